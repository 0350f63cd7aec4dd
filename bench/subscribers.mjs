// Those who follow a project of hubs and do nothing but count what they are shown.
import { WebSocket } from 'ws'

const SHOWN = '{"type":"event"'
/** Tickets at once: each is a request of its own. */
const AT_ONCE = 25

/** Where the client of this number goes, as by a balancer: to each of the hubs in turn, with each of their tokens in turn. */
export function placeOf(hubs, at) {
  const all = [hubs].flat()
  const { url, tokens } = all[at % all.length]
  return { url, token: tokens[Math.floor(at / all.length) % tokens.length] }
}

export class Subscribers {
  #sockets = []
  #seen = []
  #wanted = 0
  #behind = 0
  #resolve = () => {}

  static async of(hubs, count, project) {
    const all = new Subscribers()
    for (let from = 0; from < count; from += AT_ONCE) {
      const size = Math.min(AT_ONCE, count - from)
      await Promise.all(Array.from({ length: size }, (_, at) => all.#add(hubs, from + at, project)))
    }
    return all
  }

  /** Resolves once each of them was shown so many more events. */
  have(count) {
    this.#wanted += count
    this.#behind = this.#seen.filter((seen) => seen < this.#wanted).length
    return new Promise((resolve) => (this.#resolve = resolve))
  }

  close() {
    for (const socket of this.#sockets) socket.close()
  }

  async #add(hubs, at, project_uuid) {
    const { url, token } = placeOf(hubs, at)
    const response = await fetch(`${url}/api/v1/ws-token`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ team_id: 'acme' }),
    })
    const { ws_token, ws_url } = await response.json()
    const headers = { authorization: `Bearer ${ws_token}`, 'x-spec-kitty-sync-protocol': '2.0' }
    const socket = new WebSocket(ws_url, { headers, perMessageDeflate: false })
    this.#sockets.push(socket)
    this.#seen[at] = 0
    await new Promise((resolve, reject) => {
      socket.on('error', reject)
      socket.on('open', () => socket.send(JSON.stringify({ type: 'subscribe', project_uuid })))
      socket.on('message', (data) => {
        if (data.latin1Slice(0, SHOWN.length) === SHOWN) return this.#count(at)
        const frame = JSON.parse(String(Buffer.from(data)))
        if (frame.type === 'ping') socket.send(JSON.stringify({ ...frame, type: 'pong' }))
        if (frame.type === 'error') reject(new Error(`the hub refuses: ${frame.error_category}`))
        if (frame.type === 'subscribed') resolve()
      })
    })
  }

  #count(at) {
    this.#seen[at] += 1
    if (this.#seen[at] !== this.#wanted) return
    this.#behind -= 1
    if (this.#behind === 0) this.#resolve()
  }
}
