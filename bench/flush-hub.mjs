#!/usr/bin/env node
// The hub of `flush.mjs`, in a process of its own: the embedded one where it takes array frames, else one that takes
// them, keeps nothing and shows each frame to the other peers. Prints its URL and a token, and ends with its stdin.
import { createServer } from 'node:http'
import { WebSocket, WebSocketServer } from 'ws'
import { createToken } from '#dist/hub/tokens.js'
import { serveHub } from '#dist/hub/server.js'
import { connect } from './raw-link.mjs'

const dataDir = process.argv[2]
const hub = await serveHub({ dataDir })
const token = createToken({ dataDir, team: 'acme', user: 'bench' })
const probe = await connect({ url: hub.url, token })
probe.close()
const takesArrays = probe.snapshot.features?.includes('event_batches') === true
if (!takesArrays) await hub.stop()
const url = takesArrays ? hub.url : await serveScripted()
console.log(JSON.stringify({ url, token, hub: takesArrays ? 'embedded' : 'scripted' }))
process.stdin.on('end', () => process.exit(0)).resume()

function serveScripted() {
  const server = createServer((request, response) => {
    if (!request.url?.startsWith('/api/v1/ws-token')) return response.writeHead(404).end()
    const ws_url = `ws://127.0.0.1:${server.address().port}/ws`
    const ticket = { ws_token: 'ticket_0123456789', ws_url, expires_in: 60, session_id: 's' }
    request.resume().on('end', () => response.writeHead(200).end(JSON.stringify(ticket)))
  })
  const sockets = new WebSocketServer({ server, maxPayload: 4 * 1024 * 1024 })
  sockets.on('connection', (peer) => {
    peer.send(JSON.stringify({ type: 'snapshot', work_packages: [], features: ['event_batches'] }))
    peer.on('message', (data) => take(peer, JSON.parse(String(Buffer.from(data)))))
  })
  const show = (sender, frame) => {
    for (const peer of sockets.clients) {
      if (peer !== sender && peer.readyState === WebSocket.OPEN) peer.send(JSON.stringify(frame))
    }
  }
  const take = (peer, frame) => {
    const answer = answerTo(frame)
    if (answer === null) return
    peer.send(JSON.stringify(answer))
    for (const event of frame.events ?? []) show(peer, { ...event, type: 'event' })
    if (frame.type === 'LocalCommit') show(peer, frame)
  }
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`))
  })
}

function answerTo(frame) {
  if (frame.type === 'LocalCommit') {
    const { git_hash, build_id, project_uuid } = frame
    return { type: 'LocalCommitAck', git_hash, build_id, project_uuid, status: 'accepted' }
  }
  if (frame.type !== 'events') return null
  const { batch: through, events } = frame
  const last_event_id = events.at(-1).event_id
  return { type: 'acks', through, last_event_id, count: events.length, rejected: [] }
}
