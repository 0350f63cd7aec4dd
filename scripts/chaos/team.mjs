// Several hub processes on one nats-server or three, clients that move between them, and kills of both in turn under load. What must
// come out: every event that was acknowledged is at every subscriber once and in order, and all hubs hold the same.
import { spawn, spawnSync } from 'node:child_process'
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { NatsCluster } from '../nats-cluster.mjs'
import { freePort, NatsProcess } from '../nats-process.mjs'

const MAIN = new URL('../../dist/cli/main.js', import.meta.url).pathname
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const WINDOW = 32
const RETRY_MS = 30
const PATIENCE_MS = 60_000

/**
 * @param {{ folder: string, natsProgram: string, servers?: number, hubs?: number, publishers?: number, events: number,
 *   kills: number, cuts?: boolean, seed?: number, window?: number }} plan
 *   `events` of each publisher at least, of which so many wait for an answer at a time; of three `servers` the one that leads
 *   is lost with its disk; with `cuts` the log is replaced by a base behind each kill, by a command that is killed half of the time
 */
export async function runTeam(plan) {
  const { folder, servers = 1, hubs: hubCount = 3, publishers: publisherCount = 4 } = plan
  const random = randomFrom(plan.seed ?? 1)
  mkdirSync(join(folder, 'nats'), { recursive: true })
  const place = { program: plan.natsProgram, folder: join(folder, 'nats') }
  const nats = await (servers === 1 ? NatsProcess.start(place) : NatsCluster.start(place))
  const about = ['--backend', 'nats', '--nats', nats.url, '--nats-replicas', String(servers)]
  const hubs = []
  for (let at = 0; at < hubCount; at++) {
    hubs.push(new HubProcess({ dataDir: join(folder, `hub${at}`), about, port: await freePort() }))
  }
  try {
    const token = createToken(hubs[0].dataDir)
    await Promise.all(hubs.map((hub) => hub.start()))
    const { window = WINDOW } = plan
    const world = {
      hubs,
      token,
      project: randomUUID(),
      random,
      window,
      isCalm: false,
      isOver: false,
    }
    // Who made the token tells the others within half a second.
    await Promise.all(hubs.map((hub) => hub.known(token)))
    const publishers = Array.from(
      { length: publisherCount },
      (_, at) => new Publisher(world, at, plan.events),
    )
    await publishers[0].first()
    const subscribers = hubs.map((_, at) => new Subscriber(world, at))
    const readings = subscribers.map((subscriber) => subscriber.run())
    const started = performance.now()
    const writing = Promise.all(publishers.map((publisher) => publisher.run()))
    const { kills: killCount, cuts: isCut = false } = plan
    const kills = await killInTurn({ world, nats, kills: killCount, publishers, isCut })
    world.isCalm = true
    await withPatience(writing, 'the publishers')
    const tookMs = performance.now() - started
    const acked = publishers.flatMap((publisher) => publisher.acked)
    await withPatience(
      Promise.all(subscribers.map((one) => one.reach(acked.length))),
      'the subscribers',
    )
    world.isOver = true
    await Promise.all(readings)
    const lists = await Promise.all(hubs.map((hub) => hub.list(token, world.project)))
    return {
      faults: faultsIn({ publishers, subscribers, lists, acked }),
      events: acked.length,
      kills,
      tookMs: Math.round(tookMs),
      resent: sum(publishers.map(({ resent }) => resent)),
      duplicates: sum(publishers.map(({ duplicates }) => duplicates)),
      moves: sum([...publishers, ...subscribers].map(({ moves }) => moves)),
      longestSilenceMs: Math.round(Math.max(...publishers.map(({ silenceMs }) => silenceMs))),
      ackMs: quantiles(publishers.flatMap(({ ackMs }) => ackMs)),
    }
  } finally {
    await Promise.all(hubs.map((hub) => hub.kill()))
    await nats.end()
  }
}

/** One of them after the other, each back before the next one goes; the first of them is what stands under all. */
async function killInTurn({ world, nats, kills, publishers, isCut }) {
  const done = { hubs: 0, nats: 0, cuts: 0 }
  for (let at = 0; at < kills; at++) {
    const whole = sum(publishers.map(({ acked }) => acked.length))
    const goal = whole + Math.floor(world.random() * 40) + 10
    while (sum(publishers.map(({ acked }) => acked.length)) < goal) await sleep(2)
    const victims = [nats, ...world.hubs]
    const victim = victims[at % victims.length]
    await victim.kill()
    await sleep(Math.floor(world.random() * 200))
    await victim.start()
    done[victim === nats ? 'nats' : 'hubs'] += 1
    if (isCut) done.cuts += await cutLog(nats, world.random)
  }
  return done
}

/** 1 where the log was replaced by a base; what is kept is not emptied by it. */
async function cutLog(nats, random) {
  const args = [MAIN, 'hub', 'retain', '--keep-days', '1', '--yes', '--nats', nats.url, '--json']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  if (random() < 0.5) {
    await Promise.race([ended, sleep(300 + Math.floor(random() * 600))])
    child.kill('SIGKILL')
  }
  const [code] = await ended
  return code === 0 ? 1 : 0
}

class HubProcess {
  #child = null

  constructor({ dataDir, about, port }) {
    this.dataDir = dataDir
    this.port = port
    this.about = about
  }

  get url() {
    return `http://127.0.0.1:${this.port}`
  }

  async start() {
    const place = ['--data', this.dataDir, '--port', String(this.port), '--json']
    const args = [MAIN, 'hub', 'serve', ...this.about, ...place]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#child = child
    const [line] = await once(createInterface({ input: child.stdout }), 'line')
    if (JSON.parse(line).ok !== true) throw new Error(`a hub does not serve: ${line}`)
  }

  async kill() {
    const child = this.#child
    this.#child = null
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  async known(token) {
    for (;;) {
      const { status } = await fetch(`${this.url}/api/v1/me`, { headers: bearer(token) })
      if (status === 200) return
      await sleep(RETRY_MS)
    }
  }

  async list(token, project) {
    const ids = []
    for (let after = 0; ;) {
      const path = `/api/v1/events?project_uuid=${project}&after=${after}&limit=1000`
      const { events, next } = await (
        await fetch(this.url + path, { headers: bearer(token) })
      ).json()
      if (events.length === 0) return ids
      ids.push(...events.map(({ seq, event }) => `${seq} ${event.event_id}`))
      after = next
    }
  }
}

/** A client that goes to the next hub when its connection ends. */
class Client {
  moves = 0
  #at

  constructor(world, at) {
    this.world = world
    this.#at = at
  }

  /** An open socket behind its snapshot, and the epoch there. */
  async connect() {
    for (;;) {
      const { hubs, token, isOver } = this.world
      if (isOver) return null
      const hub = hubs[this.#at % hubs.length]
      this.#at += 1
      try {
        return await open(hub, token)
      } catch {
        await sleep(RETRY_MS)
      }
    }
  }
}

class Publisher extends Client {
  acked = []
  resent = 0
  duplicates = 0
  silenceMs = 0
  ackMs = []
  #events = []
  #least
  #number
  #sentMsById = new Map()

  constructor(world, at, least) {
    super(world, at)
    this.#number = at
    this.#least = least
  }

  get ids() {
    return this.#events.map(({ event_id }) => event_id)
  }

  get isDone() {
    const { length } = this.#events
    return this.world.isCalm && length >= this.#least && this.acked.length === length
  }

  /** One event, so that the project is there. */
  async first() {
    await this.#once((acked) => acked > 0, 1)
  }

  async run() {
    while (!this.isDone) {
      // A client also moves for no reason, as a balancer may have it.
      const stay = this.acked.length + 100 + Math.floor(this.world.random() * 200)
      await this.#once((acked) => acked >= stay, Number.POSITIVE_INFINITY)
    }
  }

  async #once(isEnough, most) {
    const link = await this.connect()
    if (link === null) return
    const { socket } = link
    this.moves += 1
    let next = this.acked.length
    let lastMs = performance.now()
    const send = () => {
      const { window, isCalm, project } = this.world
      for (; next < Math.min(this.acked.length + window, most); next++) {
        if (next === this.#events.length) {
          if (isCalm && next >= this.#least) return
          this.#events.push(newEvent(project, this.#number, next))
        }
        const event = this.#events[next]
        if (this.#sentMsById.has(event.event_id)) this.resent += 1
        else this.#sentMsById.set(event.event_id, performance.now())
        socket.send(JSON.stringify({ type: 'event', ...event }))
      }
    }
    socket.on('message', (data) => {
      const frame = JSON.parse(String(Buffer.from(data)))
      if (frame.type !== 'ack') return answerPing(socket, frame)
      const expected = this.#events[this.acked.length]?.event_id
      if (frame.event_id !== expected) throw new Error('an acknowledgement is out of order')
      const now = performance.now()
      this.silenceMs = Math.max(this.silenceMs, now - lastMs)
      lastMs = now
      this.ackMs.push(now - this.#sentMsById.get(frame.event_id))
      if (frame.status === 'duplicate') this.duplicates += 1
      this.acked.push(frame.event_id)
      if (this.isDone || isEnough(this.acked.length)) socket.close()
      else send()
    })
    send()
    // All was acknowledged by the connection before, and it has become calm meanwhile: no answer will come.
    if (this.isDone) socket.close()
    await once(socket, 'close')
  }
}

class Subscriber extends Client {
  ids = []
  faults = []
  #seq = 0
  #epoch = null
  #socket = null
  #wake = () => {}

  async run() {
    for (;;) {
      const link = await this.connect()
      if (link === null) return
      this.moves += 1
      this.#socket = link.socket
      this.#epoch ??= link.epoch
      link.socket.on('message', (data) =>
        this.#take(link.socket, JSON.parse(String(Buffer.from(data)))),
      )
      const { project } = this.world
      const place = { epoch: this.#epoch, after_seq: this.#seq }
      link.socket.send(JSON.stringify({ type: 'subscribe', project_uuid: project, ...place }))
      await once(link.socket, 'close')
    }
  }

  async reach(count) {
    while (this.ids.length < count) {
      await new Promise((resolve) => {
        this.#wake = resolve
      })
    }
    this.world.isOver = true
    this.#socket?.close()
  }

  #take(socket, frame) {
    if (frame.type === 'subscribed' && (!frame.resumed || frame.epoch !== this.#epoch)) {
      this.faults.push(`not resumed behind ${this.#seq}`)
    }
    // Before a connection follows a project it is shown what its team sends, without numbers.
    if (frame.type !== 'event' || frame.seq === undefined) return answerPing(socket, frame)
    if (frame.seq !== this.#seq + 1) this.faults.push(`${frame.seq} came behind ${this.#seq}`)
    this.#seq = frame.seq
    this.ids.push(frame.event_id)
    this.#wake()
  }
}

function faultsIn({ publishers, subscribers, lists, acked }) {
  const faults = subscribers.flatMap((subscriber) => subscriber.faults)
  for (const [at, { ids }] of subscribers.entries()) {
    if (new Set(ids).size !== ids.length) faults.push(`subscriber ${at} saw an event twice`)
    const seen = new Set(ids)
    const missing = acked.filter((id) => !seen.has(id)).length
    if (missing > 0) faults.push(`subscriber ${at} never saw ${missing} acknowledged events`)
    for (const [which, publisher] of publishers.entries()) {
      const own = new Set(publisher.ids)
      const inOrder = ids.filter((id) => own.has(id)).join() === publisher.acked.join()
      if (!inOrder) faults.push(`subscriber ${at} saw publisher ${which} out of order`)
    }
  }
  for (const [at, list] of lists.entries()) {
    if (list.join() !== lists[0].join()) faults.push(`hub ${at} holds other rows than hub 0`)
    if (list.length !== acked.length) faults.push(`hub ${at} has ${list.length} of ${acked.length}`)
  }
  return faults
}

async function open(hub, token) {
  const asked = await fetch(`${hub.url}/api/v1/ws-token`, {
    method: 'POST',
    headers: bearer(token),
    signal: AbortSignal.timeout(5_000),
  })
  if (!asked.ok) throw new Error(`no ticket: ${asked.status}`)
  const { ws_token, ws_url } = await asked.json()
  const socket = new WebSocket(ws_url, { headers: bearer(ws_token), handshakeTimeout: 5_000 })
  socket.on('error', () => {})
  const first = await Promise.race([
    once(socket, 'message'),
    once(socket, 'close').then(() => null),
  ])
  if (first === null) throw new Error('closed before the snapshot')
  return { socket, epoch: JSON.parse(first[0].toString()).epoch }
}

function answerPing(socket, frame) {
  if (frame.type === 'ping')
    socket.send(JSON.stringify({ type: 'pong', timestamp: frame.timestamp }))
}

function createToken(dataDir) {
  const args = [
    MAIN,
    'hub',
    'token',
    'create',
    '--data',
    dataDir,
    '--team',
    'acme',
    '--user',
    'sam',
  ]
  const { stdout, status } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error('no token could be made')
  return stdout.trim()
}

function newEvent(project_uuid, publisher, index) {
  const event_id = [...randomBytes(26)].map((byte) => CROCKFORD[byte % 32]).join('')
  return {
    event_id,
    event_type: 'NoteTaken',
    aggregate_id: `WP${publisher}`,
    aggregate_type: 'WorkPackage',
    schema_version: '3.0.0',
    build_id: 'b1',
    payload: { note: `${publisher} ${index}`, filler: 'x'.repeat(200) },
    node_id: createHash('sha1').update(String(publisher)).digest('hex').slice(0, 12),
    lamport_clock: index + 1,
    causation_id: null,
    correlation_id: event_id,
    timestamp: '2026-02-12T10:00:00.000000+00:00',
    team_slug: 'local',
    project_uuid,
    project_slug: 'p',
    git_branch: null,
    head_commit_sha: null,
    repo_slug: null,
  }
}

function bearer(token) {
  return { Authorization: `Bearer ${token}` }
}

async function withPatience(work, whom) {
  const ended = new AbortController()
  const late = sleep(PATIENCE_MS, null, { signal: ended.signal }).then(() => {
    throw new Error(`${whom} are not done within ${PATIENCE_MS / 1_000} s`)
  })
  late.catch(() => {})
  await Promise.race([work, late])
  ended.abort()
}

function quantiles(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share) => Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0)
  return { p50: at(0.5), p99: at(0.99), max: at(1) }
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0)
}

/** Mulberry32. */
function randomFrom(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
