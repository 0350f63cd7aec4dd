// Invented streams of events, one family each: several aggregates at once, on three nodes, with equal clocks and times of
// three zones. The replays that ship with the package are made of them, and the benchmark's long streams.
import { PROJECT, TALK_STEPS } from './replay-talk.mjs'
import { WORK_STEPS } from './replay-work.mjs'

const NODES = ['a1b2c3d4e5f6', 'b7c8d9e0f1a2', 'c3d4e5f6a7b8']
const ZONES = ['+00:00', '+02:00', '-05:30']
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const START_MS = Date.UTC(2026, 5, 1, 7)

/** In the order of the families. */
const STEPS = { ...WORK_STEPS, ...TALK_STEPS }

export const STREAM_FAMILIES = Object.keys(STEPS)

/** At least two whole aggregates, and then as many as it takes to reach `count` events. */
export function streamOf(family, count) {
  const events = []
  for (let aggregate = 0; aggregate < 2 || events.length < count; aggregate += 1) {
    const ids = []
    for (const [step, [type, payload]] of STEPS[family](aggregate).entries()) {
      const id = idOf(family, events.length)
      ids.push(id)
      events.push(eventOf(id, type, resolved(payload, ids), aggregate, step, events.length))
    }
  }
  return events
}

function eventOf(event_id, event_type, payload, aggregate, step, at) {
  return {
    event_id,
    event_type,
    aggregate_id: `kind/${aggregate}`,
    payload,
    timestamp: timeOf(aggregate, step),
    build_id: 'build-1',
    node_id: NODES[at % NODES.length],
    // Aggregates run side by side: of each there is an event at every tick.
    lamport_clock: step + 1,
    causation_id: null,
    project_uuid: PROJECT,
    project_slug: null,
    correlation_id: idOf('correlation', aggregate),
    schema_version: '3.0.0',
    data_tier: 0,
  }
}

/** Names of earlier steps as their ids. */
function resolved(payload, ids) {
  const text = JSON.stringify(payload).replaceAll(
    /step:(-\d+)/g,
    (_, back) => ids.at(Number(back) - 1) ?? '',
  )
  return JSON.parse(text)
}

function timeOf(aggregate, step) {
  const zone = ZONES[(aggregate + step) % ZONES.length]
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4))
  const shift = (zone.startsWith('-') ? -minutes : minutes) * 60_000
  const local = new Date(START_MS + step * 61_000 + aggregate + shift)
  return `${local.toISOString().slice(0, 23)}250${zone}`
}

function idOf(kind, number) {
  const letters = [...kind.toUpperCase()].filter((letter) => CROCKFORD.includes(letter))
  const digits = Array.from(
    { length: 10 },
    (_, at) => CROCKFORD[Math.floor(number / 32 ** (9 - at)) % 32],
  )
  return `01K${letters.join('').padEnd(13, '0').slice(0, 13)}${digits.join('')}`
}
