import type { MdsState, StateReason } from './events.ts';

const COMMS_LOST = ['comms_lost'] as const;
const COMMS_RESTORED = ['comms_restored'] as const;
const LOCATED = ['located'] as const;
const LEFT = ['trip_leave_jurisdiction'] as const;
const ENTERED = ['trip_enter_jurisdiction'] as const;
const DROPPED_OFF = ['agency_drop_off', 'provider_drop_off'] as const;
const TAKEN_AWAY = ['agency_pick_up', 'decommissioned'] as const;
const PICKED_UP = [...TAKEN_AWAY, 'compliance_pick_up', 'maintenance_pick_up', 'rebalance_pick_up'] as const;
const CANCELLED = [
  'customer_cancellation',
  'driver_cancellation',
  'passenger_cancellation',
  'provider_cancellation',
] as const;

/**
 * From state to state: the reasons that allow it. Closed: what is not here is INVALID_TRANSITION.
 *
 * Source: Mobility Data Specification 2.0.2, section "Vehicle State Events" of `modes/delivery-robots.md`,
 * `passenger-services.md`, `micromobility.md` and `car-share.md`. Waybill's vehicles carry goods, people or nobody
 * and are of all four modes, so a transition is allowed where any of the four tables has it. Rows that keep the
 * state (charging, maintenance on the spot) are no changes of state and are left out, and `unspecified`, which the
 * specification allows wherever the reason is not clear, is allowed throughout. The prose of `micromobility.md`
 * (any state can go to non_contactable; missing can go to any) adds missing → non_contactable.
 */
export const TRANSITIONS: Readonly<Record<MdsState, Partial<Record<MdsState, readonly StateReason[]>>>> = {
  removed: {
    available: DROPPED_OFF,
    non_operational: ['maintenance_end', 'recommission'],
    non_contactable: COMMS_LOST,
  },
  available: {
    removed: PICKED_UP,
    non_operational: ['service_end', 'battery_low', 'maintenance', 'off_hours', 'system_suspend'],
    reserved: ['reservation_start'],
    on_trip: ['trip_start'],
    non_contactable: COMMS_LOST,
    elsewhere: LEFT,
  },
  non_operational: {
    removed: [...PICKED_UP, 'maintenance'],
    available: ['service_start', 'battery_charged', 'maintenance', 'on_hours', 'system_resume'],
    non_contactable: COMMS_LOST,
    elsewhere: LEFT,
  },
  reserved: {
    available: [...CANCELLED, 'reservation_cancel'],
    on_trip: ['trip_start'],
    stopped: ['reservation_stop'],
    non_contactable: COMMS_LOST,
    elsewhere: LEFT,
  },
  on_trip: {
    available: ['trip_cancel', 'trip_end'],
    stopped: ['order_drop_off', 'order_pick_up', 'trip_pause', 'trip_stop'],
    non_contactable: COMMS_LOST,
    elsewhere: LEFT,
  },
  stopped: {
    available: [...CANCELLED, 'trip_end'],
    on_trip: ['trip_resume', 'trip_start'],
    non_contactable: COMMS_LOST,
  },
  non_contactable: {
    removed: [...COMMS_RESTORED, ...TAKEN_AWAY],
    available: [...COMMS_RESTORED, ...DROPPED_OFF],
    non_operational: COMMS_RESTORED,
    reserved: COMMS_RESTORED,
    on_trip: COMMS_RESTORED,
    stopped: COMMS_RESTORED,
    missing: ['not_located'],
    elsewhere: COMMS_RESTORED,
  },
  missing: {
    removed: [...LOCATED, ...TAKEN_AWAY],
    available: [...LOCATED, ...DROPPED_OFF],
    non_operational: LOCATED,
    reserved: LOCATED,
    on_trip: LOCATED,
    stopped: LOCATED,
    non_contactable: LOCATED,
    elsewhere: LOCATED,
  },
  elsewhere: {
    removed: PICKED_UP,
    available: ENTERED,
    non_operational: ENTERED,
    reserved: ENTERED,
    on_trip: ENTERED,
    non_contactable: COMMS_LOST,
  },
};

/** The reasons that lead from one state to the other, `unspecified` among them; none where there is no way. */
export function reasonsFor(from: MdsState, to: MdsState): readonly StateReason[] {
  const reasons = TRANSITIONS[from][to];
  return reasons === undefined ? [] : [...reasons, 'unspecified'];
}
