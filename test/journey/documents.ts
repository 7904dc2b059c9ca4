/** Documents that several journeys share. */
const RESULT = `
  __typename
  ... on Refusal { code message }
  ... on InvalidInput { field }
`;

const TENDER_RESULT = `
  ${RESULT}
  ... on TenderPayload { repeated events { id type sequence } tender { id status offers { id carrierId status } vehicle { id } } }
`;

/** `mutation($input: XInput!) { x(input: $input) { … } }` for a mutation on tenders, answered as `result`. */
export function tenderMutation(
  name: string,
  input = `${name[0]?.toUpperCase()}${name.slice(1)}Input`,
): string {
  return `mutation($input: ${input}!) { result: ${name}(input: $input) { ${TENDER_RESULT} } }`;
}

export const REGISTER_VEHICLE = `mutation($input: RegisterVehicleInput!) {
  result: registerVehicle(input: $input) {
    ${RESULT}
    ... on VehiclePayload { repeated vehicle { id licensePlate state } }
  }
}`;

export const TRACK_LOCATION = `mutation($input: TrackLocationInput!) {
  result: trackLocation(input: $input) {
    ${RESULT}
    ... on VehiclePayload { repeated vehicle { id state position { longitude latitude occurredAt } } }
  }
}`;

export const TENDER_CHANGES = `subscription($filter: TenderFilter) {
  tenderChanges(filter: $filter) {
    __typename
    ... on Change { cursor }
    ... on TendersSnapshot { complete tenders { id status } }
    ... on TenderUpdated {
      event { id type sequence payload actor { id role } }
      tender { id status offers { id carrierId status } lastEvent { id } vehicle { id } }
    }
    ... on TenderLeft { id }
  }
}`;

export const VEHICLE_CHANGES = `subscription($filter: VehicleFilter) {
  vehicleChanges(filter: $filter) {
    __typename
    ... on Change { cursor }
    ... on VehiclesSnapshot { complete vehicles { id state } }
    ... on VehiclesMoved { vehicles { id state position { longitude latitude } } }
    ... on VehiclesLeft { ids }
  }
}`;

export const EVENTS_APPENDED = `subscription($filter: EventFilter) {
  eventsAppended(filter: $filter) {
    __typename
    ... on Change { cursor }
    ... on EventAppended { event { id type sequence aggregateType aggregateId } }
  }
}`;

/** A load from Austin to Dallas. */
export const LOAD = {
  reference: 'LOAD-1',
  fleetId: 'fleet-1',
  stops: [
    { kind: 'PICKUP', name: 'Austin', longitude: -97.7431, latitude: 30.2672 },
    { kind: 'DELIVERY', name: 'Dallas', longitude: -96.797, latitude: 32.7767 },
  ],
};

/** A moment some hours from now, as DateTime. */
export function inHours(hours: number): string {
  return new Date(Date.now() + hours * 3_600_000).toISOString();
}
