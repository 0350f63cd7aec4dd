// A client of the stricter dialect, made from its description alone and of nothing of ours: it gets a socket token, posts
// a batch, sends events and commits over the WebSocket, and holds every answer to the closed key sets that it knows.
// `node strict-peer.mjs`, with {hub, token, team, project} as one line of JSON on standard input; it prints a verdict on
// each thing it tried as one line of JSON.
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { createInterface } from 'node:readline'
import { gzipSync } from 'node:zlib'
import { WebSocket } from 'ws'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const { hub, token, team, project } = JSON.parse((await lines.next()).value)
const verdicts = {}

/** Without a deployed admission, the client admits itself: generation 1, for the origin. */
const admission = { admission_generation: 1, binding_audience: `local-nonstrict:${hub}` }
let clock = 0

function ulid() {
  const digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
  return [...randomBytes(26)].map((byte) => digits[byte % 32]).join('')
}

function envelope() {
  const event_id = ulid()
  return {
    event_id,
    event_type: 'NoteTaken',
    aggregate_id: 'WP01',
    aggregate_type: 'WorkPackage',
    schema_version: '3.0.0',
    build_id: 'a7b1b1b8-6f0c-5d4f-8a55-0a4dd0a3f3a1',
    payload: {
      wp_id: 'WP01',
      from_lane: 'planned',
      to_lane: 'claimed',
      actor: 'cli',
      mission_slug: '001-login',
      execution_mode: 'direct_repo',
      force: false,
      reason: null,
      review_ref: null,
      evidence: null,
    },
    node_id: '0123456789ab',
    lamport_clock: ++clock,
    causation_id: null,
    correlation_id: event_id,
    timestamp: '2026-08-22T10:00:00.123456+00:00',
    team_slug: team,
    project_uuid: project,
    project_slug: 'app',
    git_branch: 'main',
    head_commit_sha: null,
    repo_slug: 'acme/app',
    drain_blocked_reason: null,
  }
}

/** What only the wire adds to an envelope. */
function admitted(event) {
  return { ...event, type: 'event', spec_kitty_delivery_identity: event.event_id, ...admission }
}

/** Compact, with sorted keys. */
function encode(value) {
  if (Array.isArray(value)) return `[${value.map(encode).join(',')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  const keys = Object.keys(value).toSorted()
  return `{${keys.map((key) => `${JSON.stringify(key)}:${encode(value[key])}`).join(',')}}`
}

function hasExactly(frame, ...keys) {
  return Object.keys(frame).length === keys.length && keys.every((key) => key in frame)
}

async function post(path, body, headers = {}) {
  const response = await fetch(hub + path, {
    method: 'POST',
    body,
    headers: {
      Authorization: `Bearer ${token}`,
      'Content-Type': 'application/json',
      'X-Spec-Kitty-Sync-Protocol': '2.0',
      ...headers,
    },
  })
  return { status: response.status, body: await response.json() }
}

function postBatch(events) {
  return post('/api/v1/events/batch/', gzipSync(encode({ events })), { 'Content-Encoding': 'gzip' })
}

// The probe of a server that has no health: an empty batch is refused in these words.
const probe = await post('/api/v1/events/batch/', '{"events":[]}')
verdicts.probe = probe.status === 400 && probe.body.error === 'No events provided'

const health = await fetch(`${hub}/api/v1/sync/health/`, {
  headers: { Authorization: `Bearer ${token}` },
})
const { limits } = (await health.json()).sync_ingress
verdicts.limits =
  limits.max_events_per_batch === 1_000 && limits.max_decompressed_bytes_per_batch === 524_288

const sent = [envelope(), envelope()].map(admitted)
const bad = { ...admitted(envelope()), lamport_clock: 'one' }
const first = await postBatch([...sent, bad])
const again = await postBatch(sent)
const statuses = (answer) => answer.body.results.map(({ event_id, status }) => [event_id, status])
verdicts.batch =
  JSON.stringify(statuses(first)) ===
  JSON.stringify([
    [sent[0].event_id, 'success'],
    [sent[1].event_id, 'success'],
    [bad.event_id, 'rejected'],
  ])
verdicts.duplicates = statuses(again).every(([, status]) => status === 'duplicate')
verdicts.reason =
  typeof first.body.results[2].error_message === 'string' &&
  first.body.results[2].error_category === 'invalid_event'

const ticket = await post('/api/v1/ws-token', JSON.stringify({ team_id: team }))
const { ws_token, ws_url, expires_in, session_id } = ticket.body
verdicts.ticket =
  ticket.status === 200 &&
  [ws_token, ws_url, session_id].every((text) => typeof text === 'string') &&
  expires_in > 0 &&
  [...new URL(ws_url).searchParams.keys()].length === 0

const socket = new WebSocket(ws_url, {
  headers: { Authorization: `Bearer ${ws_token}`, 'X-Spec-Kitty-Sync-Protocol': '2.0' },
})
const frames = []
let wake = () => {}
socket.on('message', (data) => {
  const frame = JSON.parse(Buffer.from(data).toString('utf8'))
  if (frame.type === 'ping') {
    socket.send(encode({ type: 'pong', timestamp: frame.timestamp, build_id: 'b' }))
    verdicts.ping ??= hasExactly(frame, 'type', 'timestamp')
  } else frames.push(frame)
  wake()
})
async function until(look) {
  while (!look()) await new Promise((resolve) => (wake = resolve))
}
async function next() {
  await until(() => frames.length > 0)
  return frames.shift()
}

const snapshot = await next()
verdicts.snapshot = snapshot.type === 'snapshot' && Array.isArray(snapshot.work_packages)

const event = admitted(envelope())
socket.send(encode(event))
socket.send(encode(event))
for (const status of ['accepted', 'duplicate']) {
  const ack = await next()
  verdicts[`event ${status}`] =
    hasExactly(ack, 'type', 'event_id', 'status') &&
    ack.type === 'ack' &&
    ack.event_id === event.event_id &&
    ack.status === status
}

const refused = { ...admitted(envelope()), schema_version: '2.0.0' }
socket.send(encode(refused))
const error = await next()
verdicts.error =
  hasExactly(error, 'type', 'event_id', 'status', 'error_category', 'retryable') &&
  error.event_id === refused.event_id &&
  error.status === 'rejected' &&
  error.retryable === false

const git_hash = createHash('sha1').update(randomBytes(8)).digest('hex')
const commit = {
  type: 'LocalCommit',
  git_hash,
  mission_id: '001-login',
  build_id: randomUUID(),
  project_uuid: project,
  changed_files: ['kitty-specs/001-login/status.events.jsonl'],
  committed_at: '2026-08-22T10:00:00+02:00',
  ...admission,
}
commit.spec_kitty_delivery_identity = `local-commit:${new URL(hub).host}:${commit.build_id}:${git_hash}`
socket.send(encode(commit))
socket.send(encode(commit))
for (const status of ['accepted', 'duplicate']) {
  const { type, received_at, ...ack } = await next()
  const { build_id, project_uuid } = commit
  verdicts[`commit ${status}`] =
    type === 'LocalCommitAck' &&
    !Number.isNaN(Date.parse(received_at)) &&
    encode(ack) === encode({ git_hash, build_id, project_uuid, ...admission, status })
}

await until(() => verdicts.ping !== undefined)
socket.close()
console.log(JSON.stringify({ verdicts, event, commit, sent }))
