/** Documents of the tests of vehicles. */
const VEHICLE = `id licensePlate fleetId state tenderId position { longitude latitude occurredAt speedMps corrected } lastEvent { type }`;

const RESULT = `
  __typename
  ... on Refusal { code message }
  ... on InvalidInput { field }
  ... on VehiclePayload { repeated warnings { index field code } events { id type sequence aggregateType } vehicle { ${VEHICLE} } }
`;

export const REGISTER = `mutation ($input: RegisterVehicleInput!) { result: registerVehicle(input: $input) { ${RESULT} } }`;
export const CHANGE = `mutation ($input: ChangeVehicleStateInput!) { result: changeVehicleState(input: $input) { ${RESULT} } }`;
export const TRACK = `mutation ($input: TrackLocationInput!) { result: trackLocation(input: $input) { ${RESULT} } }`;
export const TRACK_ALL = `mutation ($input: TrackLocationsInput!) {
  result: trackLocations(input: $input) { recorded repeated refused { index code message } warnings { index field code message } }
}`;

export const CORRECT = `mutation ($input: CorrectLocationInput!) { result: correctLocation(input: $input) { ${RESULT} } }`;
export const CORRECT_ALL = `mutation ($input: CorrectLocationsInput!) {
  result: correctLocations(input: $input) {
    recorded repeated refused { index code message } warnings { index field code message }
  }
}`;

export const BY = `query ($id: ID, $licensePlate: String, $asOf: DateTime, $knownAt: DateTime) {
  vehicle(id: $id, licensePlate: $licensePlate, asOf: $asOf, knownAt: $knownAt) { ${VEHICLE} }
}`;
export const LIST = `query ($filter: VehicleFilter, $first: Int, $after: String) {
  vehicles(filter: $filter, first: $first, after: $after) {
    edges { node { ${VEHICLE} } } pageInfo { hasNextPage endCursor }
  }
}`;
export const WAY = `query ($vehicleId: ID!, $from: DateTime!, $to: DateTime!, $first: Int, $after: String) {
  vehicleTrack(vehicleId: $vehicleId, from: $from, to: $to, first: $first, after: $after) {
    edges { cursor node { longitude latitude occurredAt recordedAt deviceId speedMps corrected
      event { type sequence } correctedBy { type reasonCode sequence } } }
    pageInfo { hasNextPage endCursor }
  }
}`;
export const FLEETS = `{ fleets { fleetId total states { state vehicles } } }`;
