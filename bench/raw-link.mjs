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
  let sent = 0
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
  socket.on('close', () => {
    for (const listener of listeners) listener({ type: 'closed' })
  })
  return {
    snapshot,
    close: () => socket.close(),
    follow: (project_uuid) =>
      answered(
        listeners,
        1,
        ({ type }) => Number(type === 'subscribed'),
        () => socket.send(JSON.stringify({ type: 'subscribe', project_uuid })),
      ),
    sendEvents: (bodies) => {
      const frames = framesOf(bodies, sent)
      sent += frames.length
      return answered(listeners, bodies.length, countOfAcks, () => {
        for (const frame of frames) socket.send(frame)
      })
    },
    sendCommits: (frames) => sendCommits(socket, listeners, frames),
  }
}

/** The hub takes each number once. */
function framesOf(bodies, sent) {
  return Array.from({ length: Math.ceil(bodies.length / ARRAY_EVENTS) }, (_, at) => {
    const events = bodies.slice(at * ARRAY_EVENTS, (at + 1) * ARRAY_EVENTS).join(',')
    return `{"batch":${sent + at + 1},"events":[${events}],"type":"events"}`
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
  return new Promise((resolve, reject) => {
    let left = count
    const listen = (frame) => {
      if (frame.type === 'error') reject(new Error(`the hub refuses: ${JSON.stringify(frame)}`))
      if (frame.type === 'closed') reject(new Error('the hub has closed the connection'))
      left -= countOf(frame)
      if (left > 0) return
      listeners.delete(listen)
      resolve()
    }
    listeners.add(listen)
    send()
  })
}
