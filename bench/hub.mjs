// What the embedded hub takes in, and what an idle subscriber costs it, beside a bare server that keeps the same bytes.
import { randomUUID } from 'node:crypto'
import { serve } from './hub-child.mjs'
import { inTurn, notRun, row, timed } from './measure.mjs'
import { draft, inFolder } from './project.mjs'
import { connect } from './raw-link.mjs'

const SIZES = {
  whole: { rounds: 5, events: 12_800, connections: [1, 100], idle: 900 },
  short: { rounds: 1, events: 256, connections: [1, 4], idle: 10 },
}
const BARE = 'bare ws server, SQLite group commit'

export function rows(isShort) {
  const { rounds, events, connections, idle } = isShort ? SIZES.short : SIZES.whole
  return inFolder(async (folder) => {
    const hubs = { ours: await serve(folder, 'embedded'), base: await serve(folder, 'raw') }
    try {
      const found = []
      for (const count of connections) found.push(await ingest(hubs, { rounds, events, count }))
      found.push(await subscribers(hubs, idle))
      return found
    } finally {
      for (const hub of Object.values(hubs)) await hub.end()
    }
  })
}

async function ingest(hubs, { rounds, events, count }) {
  const links = {}
  for (const [name, hub] of Object.entries(hubs)) links[name] = await connectAll(hub, count)
  const send = (name) => async () => {
    const share = Math.ceil(events / count)
    const parts = links[name].map(() => Array.from({ length: share }, body))
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

async function subscribers(hubs, count) {
  const [figure, beside] = [`memory of each of ${count} idle subscribers`, 'bare ws server']
  const bytes = {}
  for (const [name, hub] of Object.entries(hubs)) {
    const before = hub.memory()
    if (before === null) return notRun(figure, beside, 'this system does not tell it')
    const links = await connectAll(hub, count)
    bytes[name] = Math.max(1, hub.memory() - before) / 1_024 / count
    for (const link of links) link.close()
  }
  return row({ figure, beside, unit: 'KiB', ...bytes, most: 1.5 })
}

export async function connectAll({ url, tokens }, count) {
  const links = []
  for (let at = 0; at < count; at += 1) {
    links.push(await connect({ url, token: tokens[at % tokens.length] }))
  }
  return links
}

let made = 0

/** An event as clients send it; of a project of its own, so that nobody is told of it. */
export function body() {
  made += 1
  const event_id = `0${randomUUID().replaceAll('-', '').toUpperCase().slice(0, 25)}`
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
    project_uuid: '6f2b8c1e-3d4a-4f5b-8c6d-7e8f9a0b1c2d',
    project_slug: 'project',
    git_branch: null,
    head_commit_sha: null,
    repo_slug: null,
  })
}
