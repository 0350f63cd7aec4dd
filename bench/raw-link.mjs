// The least that a client of a hub does, beside which the runtime is measured: a ticket, a socket, the snapshot, frames.
import { WebSocket } from 'ws'

const ARRAY_EVENTS = 128

/** Connected and greeted; `heard` gets every frame that comes later. */
export async function connect({ url, token }, heard = () => {}) {
  const response = await fetch(`${url}/api/v1/ws-token`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ team_id: 'acme' }),
  })
  const { ws_token, ws_url } = await response.json()
  const headers = { authorization: `Bearer ${ws_token}`, 'x-spec-kitty-sync-protocol': '2.0' }
  const socket = new WebSocket(ws_url, { headers, perMessageDeflate: false })
  let snapshot = null
  const listeners = new Set([heard])
  await new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.on('message', (data) => {
      const frame = JSON.parse(String(Buffer.from(data)))
      if (frame.type === 'ping') socket.send(JSON.stringify({ ...frame, type: 'pong' }))
      else if (snapshot !== null) for (const listener of listeners) listener(frame)
      else {
        snapshot = frame
        resolve()
      }
    })
  })
  return {
    snapshot,
    close: () => socket.close(),
    sendEvents: (bodies) => sendEvents(socket, listeners, bodies),
    sendCommits: (frames) => sendCommits(socket, listeners, frames),
  }
}

function sendEvents(socket, listeners, bodies) {
  return answered(listeners, bodies.length, countOfAcks, () => {
    for (let at = 0, batch = 1; at < bodies.length; at += ARRAY_EVENTS, batch += 1) {
      const events = bodies.slice(at, at + ARRAY_EVENTS).join(',')
      socket.send(`{"batch":${batch},"events":[${events}],"type":"events"}`)
    }
  })
}

function countOfAcks(frame) {
  return frame.type === 'acks' ? frame.count : 0
}

function sendCommits(socket, listeners, frames) {
  return answered(
    listeners,
    frames.length,
    ({ type }) => Number(type === 'LocalCommitAck'),
    () => {
      for (const frame of frames) socket.send(JSON.stringify(frame))
    },
  )
}

function answered(listeners, count, countOf, send) {
  return new Promise((resolve) => {
    let left = count
    const listen = (frame) => {
      left -= countOf(frame)
      if (left > 0) return
      listeners.delete(listen)
      resolve()
    }
    listeners.add(listen)
    send()
  })
}
