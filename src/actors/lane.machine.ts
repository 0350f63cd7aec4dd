/**
 * One work package: in which lane it is, generated from the one table of lanes. A move is judged under the ledger's lock,
 * by the same table; this machine follows what was recorded, and shows it to whoever inspects.
 */
import { setup } from 'xstate'
import { LANE_TABLE, LANES, type FromLane, type Lane } from '../contracts/ledgers/lanes.ts'

export type LaneEvent =
  /** Where the log has it. */
  | { readonly type: `lane.found.${FromLane}` }
  /** A move that the table has was recorded. */
  | { readonly type: `lane.moved.${Lane}` }
  /** A move was recorded that only force allows. */
  | { readonly type: `lane.forced.${Lane}` }

const FROM_LANES = Object.keys(LANE_TABLE) as readonly FromLane[]

export const laneMachine = setup({
  types: {
    events: {} as LaneEvent,
  },
}).createMachine({
  id: 'lane',
  context: {},
  initial: 'genesis',
  on: Object.fromEntries([
    ...FROM_LANES.map((lane) => [`lane.found.${lane}`, { target: `.${lane}` }]),
    ...LANES.map((lane) => [`lane.forced.${lane}`, { target: `.${lane}` }]),
  ]),
  states: Object.fromEntries(
    FROM_LANES.map((from) => [
      from,
      {
        on: Object.fromEntries(
          Object.keys(LANE_TABLE[from]).map((to) => [`lane.moved.${to}`, { target: to }]),
        ),
      },
    ]),
  ),
})
