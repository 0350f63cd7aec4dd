/** One of several processes that move work packages in one log: `count` moves of its own package, each printed once it is durable. */
import { ulid } from 'ulid'
import { Ledger } from '#dist/workers/git/ledgers/ledger.js'

const { repository, placement, identity, author, wp, count } = JSON.parse(process.argv[2])
const LANES = ['planned', 'blocked', 'in_progress', 'planned']
const ledger = new Ledger({
  repository,
  identity: async () => identity,
  placementOf: async () => placement,
  missions: () => [],
  protectedBranches: async () => [],
  author: async () => author,
  assertClean: () => undefined,
})
const { directory, mission_id } = placement.mission
let from = 'genesis'
for (let at = 0; at < count; at += 1) {
  const to = LANES[at % LANES.length]
  const event_id = ulid()
  const base = {
    actor: wp,
    execution_mode: 'worktree',
    force: true,
    reason: String(at),
    review_ref: null,
    evidence: null,
    review_result: null,
  }
  const record = {
    move: { ...base, wp_id: wp, to },
    transition: {
      ...base,
      at: new Date().toISOString().replace('Z', '000+00:00'),
      event_id,
      from_lane: from,
      mission_id,
      mission_slug: directory,
      policy_metadata: null,
      to_lane: to,
      wp_id: wp,
    },
    created: null,
    events: [{ event_id, event: `{"event_id":"${event_id}"}` }],
  }
  await ledger.move(directory, record)
  await ledger.forget([event_id])
  console.log(event_id)
  from = to
}
