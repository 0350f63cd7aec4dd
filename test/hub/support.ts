/** A hub's client for tests: real sockets, frames read one by one, nothing waited for by the clock. */
import { spawn } from 'node:child_process'
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { createToken } from '#dist/hub/access/tokens.js'
import { serveHub } from '#dist/hub/server.js'
import type { Hub, HubOptions } from '#dist/hub/server.js'
import { encodeJson } from '#dist/contracts/json/json.js'
import type { JsonObject } from '#dist/contracts/json/json.js'
import { pushedIdOf } from '#dist/contracts/wire/ledger-frame.js'

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kittiwake-hub-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export type TestHub = { readonly hub: Hub; readonly dataDir: string; readonly token: string }

/** A serving hub with one token of the team "acme", stopped when the test is over. */
export async function startHub(options: Partial<HubOptions> = {}): Promise<TestHub> {
  const dataDir = options.dataDir ?? temporaryFolder()
  const hub = await serveHub({ ...options, dataDir })
  onTestFinished(() => hub.stop())
  return { hub, dataDir, token: createToken({ dataDir, team: 'acme', user: 'sam' }) }
}

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

export function newUlid(): string {
  return [...randomBytes(26)].map((byte) => CROCKFORD[byte % 32]).join('')
}

export type TestEvent = JsonObject & {
  readonly event_id: string
  readonly project_uuid: string
}

export function newEvent(fields: JsonObject & { readonly project_uuid?: string } = {}): TestEvent {
  const event_id = newUlid()
  return {
    event_id,
    // A type of nobody's contract, so that a test may put anything into it.
    event_type: 'NoteTaken',
    aggregate_id: 'WP01',
    aggregate_type: 'WorkPackage',
    schema_version: '3.0.0',
    build_id: 'b1',
    payload: { note: 'grün' },
    node_id: '0123456789ab',
    lamport_clock: 1,
    causation_id: null,
    correlation_id: event_id,
    timestamp: '2026-02-12T10:00:00.000000+00:00',
    team_slug: 'local',
    project_uuid: randomUUID(),
    project_slug: 'p',
    git_branch: null,
    head_commit_sha: null,
    repo_slug: null,
    ...fields,
  }
}

export function newCommit(fields: JsonObject = {}): JsonObject {
  return {
    type: 'LocalCommit',
    git_hash: createHash('sha1').update(randomBytes(8)).digest('hex'),
    mission_id: newUlid(),
    build_id: 'b1',
    project_uuid: randomUUID(),
    changed_files: ['kitty-specs/m/decisions.events.jsonl'],
    committed_at: '2026-02-12T10:00:00+00:00',
    ...fields,
  }
}

/** Rows of the status log of one commit, unless the fields say otherwise. */
export function newLines(fields: JsonObject = {}): JsonObject {
  const frame = {
    type: 'LedgerLines',
    project_uuid: randomUUID(),
    build_id: 'b1',
    git_hash: createHash('sha1').update(randomBytes(8)).digest('hex'),
    mission: 'login',
    mission_id: null,
    ledger: 'status',
    history: false,
    rows: [{ line: 1, row: newMove() }],
    ...fields,
  }
  const lines_id = createHash('sha256').update(encodeJson(frame)).digest('hex')
  return { lines_id, ...frame }
}

export function newPushed(project_uuid: string, git_hashes: readonly string[]): JsonObject {
  const pushed_id = pushedIdOf(git_hashes)
  return { type: 'CommitsPushed', pushed_id, project_uuid, build_id: 'b1', git_hashes }
}

/** A row of a status log. */
export function newMove(fields: JsonObject = {}): JsonObject {
  return {
    actor: 'sam',
    at: '2026-02-12T10:00:00.000000+00:00',
    event_id: newUlid(),
    evidence: null,
    execution_mode: 'worktree',
    force: false,
    from_lane: 'planned',
    mission_slug: 'login',
    policy_metadata: null,
    reason: null,
    review_ref: null,
    to_lane: 'claimed',
    wp_id: 'WP01',
    ...fields,
  }
}

export function frameOf(event: JsonObject): string {
  return encodeJson({ type: 'event', ...event })
}

/** An array frame. */
export function batchOf(batch: number, events: readonly JsonObject[]): string {
  return JSON.stringify({ type: 'events', batch, events })
}

/** An HTTP batch as the wire contract has it, unless headers say otherwise. */
export function postBatch(
  hub: { readonly url: string },
  token: string | null,
  body: string | Buffer | { readonly events: readonly JsonObject[] },
  headers: Record<string, string> = {},
): Promise<Answer> {
  const bytes =
    typeof body === 'string' || Buffer.isBuffer(body) ? body : gzipSync(JSON.stringify(body))
  return request(hub, '/api/v1/events/batch/', token, {
    method: 'POST',
    body: bytes as string | Uint8Array<ArrayBuffer>,
    headers: {
      'Content-Type': 'application/json',
      'Content-Encoding': 'gzip',
      'X-Spec-Kitty-Sync-Protocol': '2.0',
      ...headers,
    },
  })
}

export type Answer = { readonly status: number; readonly headers: Headers; readonly body: Body }
export type Body = Record<string, unknown> & {
  events?: { seq: number; received_at: string; event: TestEvent }[]
  commits?: { seq: number; received_at: string; commit: JsonObject }[]
  next?: number
  error?: { code: string; message: string }
  ws_token?: string
  ws_url?: string
  results?: Record<string, unknown>[]
}

export async function request(
  hub: { readonly url: string },
  path: string,
  token: string | null,
  init: RequestInit = {},
): Promise<Answer> {
  const authorization = token === null ? {} : { Authorization: `Bearer ${token}` }
  const headers = { ...authorization, ...(init.headers as Record<string, string> | undefined) }
  const response = await fetch(hub.url + path, { ...init, headers })
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Body,
  }
}

/** All events of a project, by following `next` until nothing comes. */
export async function readAll(
  hub: { readonly url: string },
  token: string,
  project: string,
  limit = 500,
): Promise<NonNullable<Body['events']>> {
  const all: NonNullable<Body['events']> = []
  for (let after = 0; ;) {
    const path = `/api/v1/events?project_uuid=${project}&after=${after}&limit=${limit}`
    const { body } = await request(hub, path, token)
    const events = body.events ?? []
    if (events.length === 0) return all
    all.push(...events)
    after = body.next ?? 0
  }
}

export async function newTicket(hub: { readonly url: string }, token: string): Promise<Body> {
  return (await request(hub, '/api/v1/ws-token', token, { method: 'POST' })).body
}

export type Frame = Record<string, unknown> & { readonly type: string }

/** One link: frames in the order in which they came, and how it ended. */
export class TestLink {
  readonly socket: WebSocket
  readonly #frames: Frame[] = []
  #wake: () => void = () => {}
  closed: { readonly code: number; readonly reason: string } | null = null

  constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('error', () => {})
    socket.on('message', (data) => {
      this.#frames.push(JSON.parse((data as Buffer).toString('utf8')) as Frame)
      this.#wake()
    })
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() }
      this.#wake()
    })
  }

  send(...texts: readonly string[]): void {
    for (const text of texts) this.socket.send(text)
  }

  /** The next frame; rejects when the link is closed first. */
  async next(): Promise<Frame> {
    for (;;) {
      const frame = this.#frames.shift()
      if (frame !== undefined) return frame
      if (this.closed !== null) throw new Error(`closed with ${this.closed.code}`)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** The next `count` frames that are no pings. */
  async take(count: number): Promise<Frame[]> {
    const frames: Frame[] = []
    while (frames.length < count) {
      const frame = await this.next()
      if (frame.type !== 'ping') frames.push(frame)
    }
    return frames
  }

  async end(): Promise<{ readonly code: number; readonly reason: string }> {
    while (this.closed === null) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.closed
  }
}

/** A link after its snapshot. */
export async function openLink(hub: { readonly url: string }, token: string): Promise<TestLink> {
  const { ws_token = '', ws_url = '' } = await newTicket(hub, token)
  const socket = new WebSocket(ws_url, { headers: { Authorization: `Bearer ${ws_token}` } })
  const link = new TestLink(socket)
  const first = await link.next()
  if (first.type !== 'snapshot') throw new Error('the first frame is no snapshot')
  return link
}

export type MeasuredHub = {
  readonly url: string
  /** The most memory that it ever had, in bytes. */
  rss(): Promise<number>
}

/** A hub in a process of its own, because this one holds the senders' memory. */
export async function spawnMeasuredHub(dataDir: string): Promise<MeasuredHub> {
  const script = fileURLToPath(new URL('serve-hub.mjs', import.meta.url))
  // The same young generation on every Node: newer ones let it grow, and the figure shall be of what the hub keeps.
  const child = spawn(process.execPath, ['--max-semi-space-size=16', script, dataDir], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const { url } = JSON.parse(String((await lines.next()).value)) as { url: string }
  return {
    url,
    rss: async () => {
      child.stdin.write('rss\n')
      return Number((await lines.next()).value)
    },
  }
}

/** The status of an upgrade that is refused. */
export async function refusedUpgrade(
  url: string,
  headers: Record<string, string>,
): Promise<{ readonly status: number; readonly code: string }> {
  const socket = new WebSocket(url, { headers })
  const [, response] = (await once(socket, 'unexpected-response')) as [
    unknown,
    AsyncIterable<Buffer> & { statusCode: number },
  ]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Body
  return { status: response.statusCode, code: body.error?.code ?? '' }
}
