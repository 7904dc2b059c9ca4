/** What is asked of the gateway, and of bare Yoga in the same words. */

export const TRACK_LOCATION = `mutation($input: TrackLocationInput!) {
  trackLocation(input: $input) { __typename ... on VehiclePayload { repeated } }
}`;

export const TRACK_LOCATIONS = `mutation($input: TrackLocationsInput!) {
  trackLocations(input: $input) { recorded repeated refused { index } }
}`;

export const TENDER = `query($id: ID!) {
  tender(id: $id) {
    id status reference fleetId updatedAt
    stops { sequence kind name longitude latitude }
    offers { id carrierId status expiresAt }
  }
}`;

export const REGISTER_VEHICLE = `mutation($input: RegisterVehicleInput!) {
  registerVehicle(input: $input) { __typename ... on VehiclePayload { vehicle { id } } }
}`;

export const CREATE_TENDER = `mutation($input: CreateTenderInput!) {
  createTender(input: $input) { __typename ... on TenderPayload { tender { id } } }
}`;

export const OFFER_TENDER = `mutation($input: OfferTenderInput!) {
  offerTender(input: $input) { __typename }
}`;

export const AMEND_TENDER = `mutation($input: AmendTenderInput!) {
  amendTender(input: $input) { __typename }
}`;

export const TENDER_CHANGES = `subscription {
  tenderChanges {
    __typename
    ... on TendersSnapshot { complete }
    ... on TenderUpdated { event { id type sequence } tender { id status updatedAt offers { id status } } }
  }
}`;

export const VEHICLE_CHANGES = `subscription {
  vehicleChanges {
    __typename
    ... on VehiclesSnapshot { complete }
    ... on VehiclesMoved { vehicles { id state position { longitude latitude occurredAt } } }
  }
}`;
