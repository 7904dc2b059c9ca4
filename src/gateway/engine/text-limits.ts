import {
  type ASTVisitor,
  type DocumentNode,
  GraphQLError,
  Kind,
  Lexer,
  Source,
  TokenKind,
  type ValidationContext,
  visit,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { invalidInput } from '../../graphql/errors.ts';
import type { ClientLimits } from '../../metrics/limits.ts';
import type { Metrics } from '../../metrics/metrics.ts';

/** Of an operation that is about to be executed, what these limits look at. */
interface Asked {
  readonly document: DocumentNode;
  readonly variableValues?: Readonly<Record<string, unknown>> | null | undefined;
}

/** How deep a document's selections, lists and objects may be nested: parser, rules and interpreter go down by recursion. */
const MAX_DOCUMENT_DEPTH = 100;
/** The same of the lists and objects of variables. No input of the schema needs more than a few. */
const MAX_VALUE_DEPTH = 32;

/** Refuses documents that are too long or nested too deep, before anything is made of their text: in time linear in it. */
export function limitDocuments(
  { maxDocumentTokens }: Pick<ClientLimits, 'maxDocumentTokens'>,
  { limits }: Pick<Metrics, 'limits'>,
  development: boolean,
): Plugin {
  return {
    // Asked only for documents that are not known yet.
    onParse({ parseFn, setParseFn }) {
      setParseFn((source: string | Source, options?: object) => {
        const refusal = textRefusal(
          String(source instanceof Source ? source.body : source),
          maxDocumentTokens,
        );
        if (refusal === undefined) return parseFn(source, options);
        limits.inc({ limit: 'document_tokens' });
        throw refusal;
      });
    },
    onValidate({ addValidationRule }) {
      addValidationRule(refuseUnspeakable);
      if (development) return undefined;
      return ({ result, setResult }) => {
        if (result.length > 0) setResult([...result].map(withoutSuggestion));
      };
    },
  };
}

/** An error without what names may have been meant: who may not read the schema is not told of it by guesses. */
function withoutSuggestion(error: Error): Error {
  const message = error.message.replace(/ Did you mean .*$/s, '');
  if (message === error.message) return error;
  const nodes = error instanceof GraphQLError ? (error.nodes ?? null) : null;
  return new GraphQLError(message, { nodes });
}

function textRefusal(text: string, maxTokens: number): GraphQLError | undefined {
  const lexer = new Lexer(new Source(text));
  let depth = 0;
  for (let tokens = 0; ; tokens += 1) {
    let kind: TokenKind;
    try {
      kind = lexer.advance().kind;
    } catch {
      // The parser says what is wrong, and where.
      return undefined;
    }
    if (kind === TokenKind.EOF) return undefined;
    if (OPENING.has(kind)) depth += 1;
    else if (CLOSING.has(kind)) depth -= 1;
    if (depth > MAX_DOCUMENT_DEPTH)
      return refused(`A document may be nested ${MAX_DOCUMENT_DEPTH} deep; this one is deeper.`);
    if (tokens >= maxTokens) return refused(`A document may have ${maxTokens} tokens; this one has more.`);
  }
}

const OPENING: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L]);
const CLOSING: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R]);

function refused(message: string): GraphQLError {
  return invalidInput(message, 'query');
}

/** Names that an object of JavaScript does not have as any other: answers and variables are such objects. */
const UNSPEAKABLE: ReadonlySet<string> = new Set(['__proto__', 'then']);

/** Has a document refused whose answer or variables would be read wrongly for one of their names. */
function refuseUnspeakable(context: ValidationContext): ASTVisitor {
  return {
    Field({ alias }) {
      if (alias !== undefined && UNSPEAKABLE.has(alias.value))
        context.reportError(
          new GraphQLError(`A field may not be called "${alias.value}".`, { nodes: alias }),
        );
    },
    VariableDefinition({ variable }) {
      if (variable.name.value === '__proto__')
        context.reportError(
          new GraphQLError('A variable may not be called "__proto__".', { nodes: variable }),
        );
    },
  };
}

/** Refuses variables that are nested too deep: what reads them goes down by recursion, and would run out of stack. */
export const refuseDeepVariables = ({ variableValues }: Asked): GraphQLError | undefined =>
  deepVariables(variableValues);

/** The refusal of variables that are nested too deep; undefined for others. */
export const deepVariables = (variables: unknown): GraphQLError | undefined =>
  isDeeper(variables, MAX_VALUE_DEPTH)
    ? invalidInput(`Variables may be nested ${MAX_VALUE_DEPTH} deep; these are deeper.`, 'variables')
    : undefined;

function isDeeper(value: unknown, than: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (than === 0) return true;
  if (Array.isArray(value)) return value.some((item) => isDeeper(item, than - 1));
  for (const name in value) if (isDeeper((value as Record<string, unknown>)[name], than - 1)) return true;
  return false;
}

/**
 * Refuses a null condition of `@include` or `@skip`: the rules let a variable that may be null stand there where it has a default,
 * and an execution fails then, somewhere.
 */
export const refuseNullConditions = ({ document, variableValues }: Asked): GraphQLError | undefined => {
  for (const name of conditionsOf(document))
    if (variableValues?.[name] === null)
      return invalidInput(`$${name} is null, and @include and @skip take true or false.`, name);
  return undefined;
};

const conditions = new WeakMap<DocumentNode, ReadonlySet<string>>();

/** The variables that decide whether something is included. */
function conditionsOf(document: DocumentNode): ReadonlySet<string> {
  const known = conditions.get(document);
  if (known !== undefined) return known;
  const found = new Set<string>();
  visit(document, {
    Directive(node) {
      if (node.name.value !== 'include' && node.name.value !== 'skip') return;
      for (const { value } of node.arguments ?? [])
        if (value.kind === Kind.VARIABLE) found.add(value.name.value);
    },
  });
  conditions.set(document, found);
  return found;
}
