// What the embedded hub takes in and shows to how many, and what an idle subscriber costs it, beside a bare server that keeps
// the same bytes and broadcasts them. A hub bears 1,000 sockets, so that 900 subscribers are the most beside its publishers.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createNewId } from '#dist/events/new-id.js'
import { serve } from './hub-child.mjs'
import { inTurn, median, notRun, row, timed } from './measure.mjs'
import { draft, inFolder } from './project.mjs'
import { connect } from './raw-link.mjs'
import { placeOf, Subscribers } from './subscribers.mjs'

const SIZES = {
  whole: {
    rounds: 5,
    events: 6_400,
    connections: [1, 100],
    idle: 900,
    fanOut: [
      [1, 1],
      [1, 100],
      [100, 100],
      [100, 900],
    ],
    deliveries: 45_000,
    singles: 20,
  },
  short: {
    rounds: 1,
    events: 256,
    connections: [1, 4],
    idle: 10,
    fanOut: [[2, 3]],
    deliveries: 60,
    singles: 2,
  },
}
const FAN_OUT_ROUNDS = 3
const ASK_AGAIN_MS = 5
/** What is published in one round, however few or many read it. */
const [EVENTS_MIN, EVENTS_MAX] = [100, 3_200]
const BROADCAST = 'bare ws broadcast, SQLite group commit'
/** So that what is compiled on the way counts for nobody. */
const WARM_UPS = 50
const UNTOLD = 'this system does not tell it'
const QUIET = '0d9c2a7b-51f3-4e68-9a0b-6c7d8e9f0a1b'
const BARE = 'bare ws server, SQLite group commit'

export function rows(isShort) {
  const sizes = isShort ? SIZES.short : SIZES.whole
  const { rounds, events, connections, idle, fanOut } = sizes
  return inFolder(async (folder) => {
    const hubs = { ours: await serve(folder, 'embedded'), base: await serve(folder, 'raw') }
    try {
      // First: what later rows leave behind in a process would be taken for less.
      const found = await idleSubscribers(hubs, idle)
      for (const count of connections) found.push(await ingest(hubs, { rounds, events, count }))
      const fanOutRounds = Math.min(rounds, FAN_OUT_ROUNDS)
      for (const [publishers, subscribers] of fanOut) {
        found.push(
          ...(await shown(hubs, { ...sizes, rounds: fanOutRounds, publishers, subscribers })),
        )
      }
      return found
    } finally {
      for (const hub of Object.values(hubs)) await hub.end()
    }
  })
}

async function ingest(hubs, { rounds, events, count }) {
  const links = {}
  for (const [name, hub] of Object.entries(hubs)) links[name] = await connectPublishers(hub, count)
  const send = (name) => async () => {
    const share = Math.ceil(events / count)
    const parts = links[name].map(() => Array.from({ length: share }, () => body()))
    const ms = await timed(() => {
      return Promise.all(links[name].map((link, at) => link.sendEvents(parts[at])))
    })
    return (share * count) / (ms / 1_000)
  }
  const found = await inTurn({ rounds }, { base: send('base'), ours: send('ours') })
  for (const link of Object.values(links).flat()) link.close()
  const figure = `hub ingest, ${count} connections`
  return row({ figure, beside: BARE, unit: 'events/s', ...found, least: 0.5 })
}

/**
 * Events that reached their subscribers, each counted for each; and how soon the last of them had a single one.
 *
 * @param hubs `ours` and `base`, each one or several that share what they hold
 */
export async function shown(hubs, { of = 'hub', rounds, publishers, subscribers, ...sizes }) {
  const { deliveries, singles } = sizes
  const share = Math.ceil(
    Math.min(EVENTS_MAX, Math.max(EVENTS_MIN, deliveries / subscribers)) / publishers,
  )
  const project = randomUUID()
  const sides = {}
  for (const [name, hub] of Object.entries(hubs)) {
    const links = await connectPublishers(hub, publishers)
    await begin(hub, links[0], project)
    sides[name] = { links, readers: await Subscribers.of(hub, subscribers, project) }
  }
  const publish = (name) => async () => {
    const { links, readers } = sides[name]
    const parts = links.map(() => Array.from({ length: share }, () => body(project)))
    const ms = await timed(async () => {
      const all = readers.have(share * publishers)
      await Promise.all(links.map((link, at) => link.sendEvents(parts[at])))
      await all
    })
    return (share * publishers * subscribers) / (ms / 1_000)
  }
  const one = (name) => async () => {
    const { links, readers } = sides[name]
    const took = []
    for (let at = 0; at < singles; at += 1) {
      const all = readers.have(1)
      took.push(await timed(() => Promise.all([links[0].sendEvents([body(project)]), all])))
    }
    return median(took)
  }
  const many = await inTurn({ rounds }, { base: publish('base'), ours: publish('ours') })
  const single = await inTurn({ rounds }, { base: one('base'), ours: one('ours') })
  for (const { links, readers } of Object.values(sides)) {
    for (const link of links) link.close()
    readers.close()
  }
  const who = `${publishers} to ${subscribers}`
  const beside = BROADCAST
  return [
    row({ figure: `${of} fan-out, ${who}`, beside, unit: 'shown/s', ...many }),
    row({ figure: `${of}, one event to the last of them, ${who}, median`, beside, ...single }),
  ]
}

// The resident size grows by what a process sets aside to make objects in, however many connections there are, so that what
// each costs is told by what is kept of it.
async function idleSubscribers(hubs, count) {
  const [bytes, resident] = [{}, {}]
  for (const [name, hub] of Object.entries(hubs)) {
    const warm = await connectAll(hub, WARM_UPS)
    const [kept, before] = [await hub.kept(), hub.memory()]
    const links = await connectAll(hub, count)
    resident[name] = before === null ? null : (hub.memory() - before) / 1_024 / count
    bytes[name] = ((await hub.kept()) - kept) / 1_024 / count
    for (const link of [...warm, ...links]) link.close()
  }
  const beside = 'bare ws server'
  const figure = `memory of each of ${count} idle subscribers`
  const rows = [row({ figure: `${figure}, kept`, beside, unit: 'KiB', ...bytes, most: 1.5 })]
  const whole = `${figure}, resident`
  if (resident.ours === null) return [...rows, notRun(whole, beside, UNTOLD)]
  return [...rows, row({ figure: whole, beside, unit: 'KiB', ...resident, most: 1.5 })]
}

/** They follow a project where nothing happens, or would be shown all that the others send, as any listener. */
export async function connectPublishers(hub, count) {
  const links = await connectAll(hub, count)
  await begin(hub, links[0], QUIET)
  for (const link of links) await link.follow(QUIET)
  return links
}

async function connectAll(hubs, count) {
  const links = []
  for (let at = 0; at < count; at += 1) links.push(await connect(placeOf(hubs, at)))
  return links
}

/** A project begins with its first event, of which the other hubs hear a little later. */
export async function begin(hubs, link, project) {
  await link.sendEvents([body(project)])
  for (const { url, token } of [hubs].flat()) {
    const headers = { authorization: `Bearer ${token}` }
    const known = () => fetch(`${url}/api/v1/feed?project_uuid=${project}`, { headers })
    while ((await known()).status !== 200) await sleep(ASK_AGAIN_MS)
  }
}

let made = 0
const newId = createNewId(Date.now)

/** An event as clients send it. */
export function body(project_uuid = '6f2b8c1e-3d4a-4f5b-8c6d-7e8f9a0b1c2d') {
  made += 1
  const event_id = newId()
  return JSON.stringify({
    ...draft(made),
    event_id,
    aggregate_type: 'WorkPackage',
    schema_version: '3.0.0',
    build_id: 'build',
    node_id: '0123456789ab',
    lamport_clock: made,
    causation_id: null,
    correlation_id: event_id,
    timestamp: '2026-03-04T05:06:07.000000+00:00',
    team_slug: 'acme',
    project_uuid,
    project_slug: 'project',
    git_branch: null,
    head_commit_sha: null,
    repo_slug: null,
  })
}
