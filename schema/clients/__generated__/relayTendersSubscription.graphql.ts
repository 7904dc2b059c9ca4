/**
 * @generated SignedSource<<263d25466ab9cbdc1600eaf017f350c6>>
 * @lightSyntaxTransform
 */

/* tslint:disable */
/* eslint-disable */
// @ts-nocheck

import type { ConcreteRequest } from 'relay-runtime';
export type TenderStatus = "ACCEPTED" | "ASSIGNED" | "CANCELLED" | "COMPLETED" | "EXHAUSTED" | "IN_TRANSIT" | "OFFERED" | "OPEN" | "%future added value";
export type TenderFilter = {
  carrierId?: ReadonlyArray<string> | null | undefined;
  fleetId?: ReadonlyArray<string> | null | undefined;
  ids?: ReadonlyArray<string> | null | undefined;
  status?: ReadonlyArray<TenderStatus> | null | undefined;
  vehicleId?: ReadonlyArray<string> | null | undefined;
};
export type relayTendersSubscription$variables = {
  after?: string | null | undefined;
  filter?: TenderFilter | null | undefined;
};
export type relayTendersSubscription$data = {
  readonly tenderChanges: {
    readonly __typename: string;
    readonly complete?: boolean;
    readonly cursor?: string;
    readonly event?: {
      readonly id: string;
      readonly sequence: number;
      readonly type: string;
    };
    readonly id?: string;
    readonly tender?: {
      readonly id: string;
      readonly status: TenderStatus;
    };
    readonly tenders?: ReadonlyArray<{
      readonly id: string;
      readonly status: TenderStatus;
    }>;
  };
};
export type relayTendersSubscription = {
  response: relayTendersSubscription$data;
  variables: relayTendersSubscription$variables;
};

const node: ConcreteRequest = (function(){
var v0 = {
  "defaultValue": null,
  "kind": "LocalArgument",
  "name": "after"
},
v1 = {
  "defaultValue": null,
  "kind": "LocalArgument",
  "name": "filter"
},
v2 = {
  "alias": null,
  "args": null,
  "kind": "ScalarField",
  "name": "id",
  "storageKey": null
},
v3 = [
  (v2/*:: as any*/),
  {
    "alias": null,
    "args": null,
    "kind": "ScalarField",
    "name": "status",
    "storageKey": null
  }
],
v4 = [
  {
    "alias": null,
    "args": [
      {
        "kind": "Variable",
        "name": "after",
        "variableName": "after"
      },
      {
        "kind": "Variable",
        "name": "filter",
        "variableName": "filter"
      }
    ],
    "concreteType": null,
    "kind": "LinkedField",
    "name": "tenderChanges",
    "plural": false,
    "selections": [
      {
        "alias": null,
        "args": null,
        "kind": "ScalarField",
        "name": "__typename",
        "storageKey": null
      },
      {
        "kind": "InlineFragment",
        "selections": [
          {
            "alias": null,
            "args": null,
            "kind": "ScalarField",
            "name": "cursor",
            "storageKey": null
          }
        ],
        "type": "Change",
        "abstractKey": "__isChange"
      },
      {
        "kind": "InlineFragment",
        "selections": [
          {
            "alias": null,
            "args": null,
            "kind": "ScalarField",
            "name": "complete",
            "storageKey": null
          },
          {
            "alias": null,
            "args": null,
            "concreteType": "Tender",
            "kind": "LinkedField",
            "name": "tenders",
            "plural": true,
            "selections": (v3/*:: as any*/),
            "storageKey": null
          }
        ],
        "type": "TendersSnapshot",
        "abstractKey": null
      },
      {
        "kind": "InlineFragment",
        "selections": [
          {
            "alias": null,
            "args": null,
            "concreteType": "Event",
            "kind": "LinkedField",
            "name": "event",
            "plural": false,
            "selections": [
              (v2/*:: as any*/),
              {
                "alias": null,
                "args": null,
                "kind": "ScalarField",
                "name": "type",
                "storageKey": null
              },
              {
                "alias": null,
                "args": null,
                "kind": "ScalarField",
                "name": "sequence",
                "storageKey": null
              }
            ],
            "storageKey": null
          },
          {
            "alias": null,
            "args": null,
            "concreteType": "Tender",
            "kind": "LinkedField",
            "name": "tender",
            "plural": false,
            "selections": (v3/*:: as any*/),
            "storageKey": null
          }
        ],
        "type": "TenderUpdated",
        "abstractKey": null
      },
      {
        "kind": "InlineFragment",
        "selections": [
          (v2/*:: as any*/)
        ],
        "type": "TenderLeft",
        "abstractKey": null
      }
    ],
    "storageKey": null
  }
];
return {
  "fragment": {
    "argumentDefinitions": [
      (v0/*:: as any*/),
      (v1/*:: as any*/)
    ],
    "kind": "Fragment",
    "metadata": null,
    "name": "relayTendersSubscription",
    "selections": (v4/*:: as any*/),
    "type": "Subscription",
    "abstractKey": null
  },
  "kind": "Request",
  "operation": {
    "argumentDefinitions": [
      (v1/*:: as any*/),
      (v0/*:: as any*/)
    ],
    "kind": "Operation",
    "name": "relayTendersSubscription",
    "selections": (v4/*:: as any*/)
  },
  "params": {
    "cacheID": "b96d7eed60be199106261459d1fc6679",
    "id": null,
    "metadata": {},
    "name": "relayTendersSubscription",
    "operationKind": "subscription",
    "text": "subscription relayTendersSubscription(\n  $filter: TenderFilter\n  $after: String\n) {\n  tenderChanges(filter: $filter, after: $after) {\n    __typename\n    ... on Change {\n      __isChange: __typename\n      cursor\n    }\n    ... on TendersSnapshot {\n      complete\n      tenders {\n        id\n        status\n      }\n    }\n    ... on TenderUpdated {\n      event {\n        id\n        type\n        sequence\n      }\n      tender {\n        id\n        status\n      }\n    }\n    ... on TenderLeft {\n      id\n    }\n  }\n}\n"
  }
};
})();

(node as any).hash = "3b2aee55f62150005539edb9cc14cb97";

export default node;
