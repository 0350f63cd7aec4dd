import type { EventObject } from 'xstate'
import { laneMachine } from '#dist/actors/lane.machine.js'
import { LANE_TABLE, LANES, type FromLane, type Lane } from '#dist/contracts/ledgers/lanes.js'
import { checkTable } from '../support/machine-table.ts'

const FROM = Object.keys(LANE_TABLE) as readonly FromLane[]

/** Written out, so that a change of the table is a change here. */
const MOVES: Readonly<Record<FromLane, readonly Lane[]>> = {
  genesis: ['planned', 'canceled'],
  planned: ['claimed', 'blocked', 'canceled'],
  claimed: ['in_progress', 'blocked', 'canceled'],
  in_progress: ['planned', 'for_review', 'approved', 'blocked', 'canceled'],
  for_review: ['in_review', 'blocked', 'canceled'],
  in_review: ['planned', 'in_progress', 'approved', 'done', 'blocked', 'canceled'],
  approved: ['planned', 'in_progress', 'done', 'blocked', 'canceled'],
  blocked: ['in_progress', 'canceled'],
  done: [],
  canceled: [],
}

type Name = `lane.moved.${Lane}` | `lane.forced.${Lane}` | `lane.found.${FromLane}`
const names: readonly Name[] = [
  ...LANES.map((lane) => `lane.moved.${lane}` as const),
  ...LANES.map((lane) => `lane.forced.${lane}` as const),
  ...FROM.map((lane) => `lane.found.${lane}` as const),
]

function row(from: FromLane): Record<Name, FromLane | 'stay'> {
  const next = (name: Name): FromLane | 'stay' => {
    const to = name.split('.')[2] as Lane
    return name.startsWith('lane.moved.') && !MOVES[from].includes(to) ? 'stay' : to
  }
  return Object.fromEntries(names.map((name) => [name, next(name)])) as Record<Name, FromLane>
}

checkTable(laneMachine, {
  context: {},
  states: Object.fromEntries(FROM.map((lane) => [lane, lane])) as Record<FromLane, FromLane>,
  events: Object.fromEntries(names.map((type) => [type, { type }])) as Record<Name, EventObject>,
  table: Object.fromEntries(FROM.map((lane) => [lane, row(lane)])) as Record<
    FromLane,
    Record<Name, FromLane | 'stay'>
  >,
})
