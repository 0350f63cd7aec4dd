// What an event costs in a queue that is long beside one that is short: to add it, and to claim, deliver and settle it.
import { join } from 'node:path'
import { encodeJson } from '#dist/contracts/json/json.js'
import { Outbox } from '#dist/workers/store/outbox.js'
import { inTurn, row, timed } from './measure.mjs'
import { draft, inFolder } from './project.mjs'

const PROJECT = '6f2b8c1e-3d4a-4f5b-8c6d-7e8f9a0b1c2d'
const NODE = '0123456789ab'
const SHORT_QUEUE = 1_000
const BATCH = 512

export function rows(isShort) {
  const pending = isShort ? 3_000 : 1_000_000
  const rounds = isShort ? 1 : 41
  return inFolder(async (folder) => {
    const queues = { base: open(folder, 'short'), ours: open(folder, 'long') }
    fill(queues.base, SHORT_QUEUE)
    fill(queues.ours, pending)
    // What was added is claimed in the same round, so that both keep their length.
    const found = await inTurn(
      { rounds, warmUps: isShort ? 0 : 3 },
      {
        addedShort: () => timed(() => fill(queues.base, BATCH)),
        addedLong: () => timed(() => fill(queues.ours, BATCH)),
        claimedShort: () => timed(() => claimAndSettle(queues.base)),
        claimedLong: () => timed(() => claimAndSettle(queues.ours)),
      },
    )
    for (const outbox of Object.values(queues)) outbox.close()
    const beside = `${SHORT_QUEUE} pending`
    return [
      row({ figure: `${BATCH} emits, ${pending} pending`, beside, ...of(found, 'added') }),
      row({ figure: `${BATCH} claims, ${pending} pending`, beside, ...of(found, 'claimed') }),
    ]
  })
}

function of(found, what) {
  return { ours: found[`${what}Long`], base: found[`${what}Short`], most: 1.2 }
}

function open(folder, name) {
  const owner = { kind: 'project', uuid: PROJECT }
  const path = join(folder, `${name}.db`)
  const outbox = Outbox.open({ path, owner, nodeId: NODE, capacity: 4_000_000 })
  outbox.grantConsent(false)
  outbox.target({ origin: 'https://hub.example.org', team: 'team', epoch: 'first' })
  return outbox
}

function fill(outbox, count) {
  for (let left = count; left > 0; left -= BATCH) {
    const events = Array.from({ length: Math.min(left, BATCH) }, event)
    const [answer] = outbox.appendAll([events])
    if (answer instanceof Error) throw answer
  }
}

function claimAndSettle(outbox) {
  const { rows } = outbox.claim(BATCH)
  if (rows.length !== BATCH) throw new Error(`${rows.length} were claimed`)
  outbox.settle(
    rows.map(({ event_id }) => event_id),
    [],
  )
}

let made = 0

function event() {
  made += 1
  const id = `01J${String(made).padStart(23, '0')}`
  return encodeJson({
    ...draft(made),
    event_id: id,
    aggregate_type: 'WorkPackage',
    schema_version: '3.0.0',
    build_id: 'build',
    node_id: NODE,
    lamport_clock: 0,
    causation_id: null,
    correlation_id: id,
    timestamp: '2026-03-04T05:06:07.000000+00:00',
    team_slug: 'local',
    project_uuid: PROJECT,
    project_slug: 'project',
    git_branch: null,
    head_commit_sha: null,
    repo_slug: null,
  })
}
