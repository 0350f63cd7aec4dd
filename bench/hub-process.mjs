#!/usr/bin/env node
// A hub for a bench: the embedded one, `nats`, one of those that share a log, or `raw`, the least that keeps what it is sent, by the
// same routes and frames: a transaction for what came in one turn, which those who follow its project are shown, then its
// answers. Prints its URL and its tokens, and ends with its stdin.
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { WebSocketServer } from 'ws'
import { createToken } from '#dist/hub/access/tokens.js'
import { serveHub } from '#dist/hub/server.js'
import { RawQueue } from './project.mjs'

/** As many as its sockets are shared among. */
const TOKENS = 20

const [dataDir, kind, servers] = process.argv.slice(2)
console.log(JSON.stringify(kind === 'raw' ? await serveRaw() : await serveEmbedded()))
process.stdin.on('end', () => process.exit(0))
// What is kept is told when somebody asks; what only waits to be collected is not.
process.stdin.on('data', () => {
  globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  console.log(heapUsed + external)
})

async function serveEmbedded() {
  const { url } = await serveHub({ dataDir, ...(kind === 'nats' ? { nats: { servers } } : {}) })
  const tokens = Array.from({ length: TOKENS }, () => {
    return createToken({ dataDir, team: 'acme', user: 'bench' })
  })
  return { url, tokens }
}

async function serveRaw() {
  mkdirSync(dataDir, { recursive: true })
  const queue = new RawQueue(join(dataDir, 'raw.db'))
  const server = createServer((request, response) => {
    const ws_url = `ws://127.0.0.1:${server.address().port}/ws`
    const ticket = { ws_token: 'ticket_0123456789', ws_url, expires_in: 60, session_id: 's' }
    request.resume().on('end', () => response.writeHead(200).end(JSON.stringify(ticket)))
  })
  const sockets = new WebSocketServer({ server, maxPayload: 4 * 1024 * 1024 })
  let waiting = []
  let seq = 0
  const followers = new Map()
  const commit = () => {
    const taken = waiting
    waiting = []
    const events = taken.flatMap(({ frame }) => frame.events)
    const bodies = events.map((event) => JSON.stringify(event))
    queue.addAll(bodies)
    for (const [at, { project_uuid }] of events.entries()) {
      const shown = `{"type":"event",${bodies[at].slice(1, -1)},"seq":${(seq += 1)}}`
      for (const peer of followers.get(project_uuid) ?? []) peer.send(shown)
    }
    for (const { peer, frame } of taken) peer.send(answerTo(frame))
  }
  const follow = (peer, project) => {
    const peers = followers.get(project) ?? new Set()
    followers.set(project, peers.add(peer))
    peer.on('close', () => peers.delete(peer))
    peer.send(JSON.stringify({ type: 'subscribed' }))
  }
  sockets.on('connection', (peer) => {
    peer.send(JSON.stringify({ type: 'snapshot', work_packages: [] }))
    peer.on('message', (data) => {
      const frame = JSON.parse(String(Buffer.from(data)))
      if (frame.type === 'subscribe') return follow(peer, frame.project_uuid)
      if (waiting.length === 0) setImmediate(commit)
      waiting.push({ peer, frame })
    })
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${server.address().port}`
  return { url, tokens: Array.from({ length: TOKENS }, () => 'raw') }
}

function answerTo({ batch: through, events }) {
  const { event_id: last_event_id } = events.at(-1)
  return JSON.stringify({
    type: 'acks',
    through,
    last_event_id,
    count: events.length,
    rejected: [],
  })
}
