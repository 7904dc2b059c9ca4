import type { GraphQLSchema } from 'graphql';
import { createSchema } from 'graphql-yoga';

const FIX_FIELDS = `
  vehicleId: ID
  licensePlate: String
  deviceId: String
  longitude: Float!
  latitude: Float!
  speedMps: Float
  headingDeg: Float
  accuracyM: Float
  altitudeM: Float
  odometerM: Float
  batteryPercent: Float
  idempotencyKey: String
  occurredAt: DateTime
`;

const BARE_TYPES = `
  scalar DateTime

  input TrackLocationInput { ${FIX_FIELDS} }
  input FixInput { ${FIX_FIELDS} }
  input TrackLocationsInput { fixes: [FixInput!]! idempotencyKey: String occurredAt: DateTime }

  type VehiclePayload { repeated: Boolean! }
  type NotFound { message: String! }
  union VehicleResult = VehiclePayload | NotFound
  type FixRefusal { index: Int! }
  type TrackLocationsPayload { recorded: Int! repeated: Int! refused: [FixRefusal!]! }

  type Stop { sequence: Int! kind: String! name: String! longitude: Float! latitude: Float! }
  type Offer { id: ID! carrierId: String! status: String! expiresAt: DateTime! }
  type Tender {
    id: ID!
    status: String!
    reference: String
    fleetId: String
    updatedAt: DateTime!
    stops: [Stop!]!
    offers: [Offer!]!
  }

  type Query { tender(id: ID!): Tender }
  type Mutation {
    trackLocation(input: TrackLocationInput!): VehicleResult!
    trackLocations(input: TrackLocationsInput!): TrackLocationsPayload!
  }
`;

/**
 * The part of the contract that is measured, input types in full, with nothing behind it.
 * @param tenders answers `tender(id)`
 */
export function bareSchema(tenders: ReadonlyMap<string, object>): GraphQLSchema {
  return createSchema({
    typeDefs: BARE_TYPES,
    resolvers: {
      Mutation: {
        trackLocation: () => ({ __typename: 'VehiclePayload', repeated: false }),
        trackLocations: (_root: unknown, { input }: { input: { fixes: unknown[] } }) => ({
          recorded: input.fixes.length,
          repeated: 0,
          refused: [],
        }),
      },
      Query: { tender: (_root: unknown, { id }: { id: string }) => tenders.get(id) },
    },
  });
}
