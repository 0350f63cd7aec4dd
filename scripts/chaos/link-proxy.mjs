// The network between the machine and the hub: whole, cut, silent or slow, and everything that went to the hub is read.
import { createServer, connect } from 'node:net'
import { WireReader } from './wire-reader.mjs'

/** The hub answers to its own port alone, so it and the proxy have one, on two addresses of this machine. */
export const HUB_ADDRESS = process.platform === 'linux' ? '127.0.0.2' : '::1'
const SLOW_PAUSE_MS = 40
const SLOW_BYTES = 2_048

/** `whole`; `cut` ends all connections and takes none; `silent` takes them and passes nothing on; `slow` passes little. */
export class LinkProxy {
  #server
  #mode = 'whole'
  #pairs = new Set()
  #hub
  #told
  /** Connections that could not be read. */
  unread = []
  bytes = 0

  /** On the port of the hub at `{ host, port }`; `told` gets every text that a client sends. */
  static async open(hub, told) {
    const proxy = new LinkProxy()
    proxy.#hub = hub
    proxy.#told = told
    proxy.#server = createServer((client) => proxy.#take(client))
    await new Promise((resolve, reject) => {
      proxy.#server.once('error', reject).listen(hub.port, '127.0.0.1', resolve)
    })
    return proxy
  }

  /** How many clients are connected now. */
  get connections() {
    return this.#pairs.size
  }

  set mode(mode) {
    this.#mode = mode
    for (const pair of this.#pairs) {
      if (mode === 'cut') pair.end()
      else pair.flow(mode !== 'silent')
    }
  }

  async close() {
    this.mode = 'cut'
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #take(client) {
    client.on('error', () => undefined)
    if (this.#mode === 'cut') return client.resetAndDestroy()
    const hub = connect(this.#hub)
    hub.on('error', () => undefined)
    const reader = new WireReader(this.#told)
    client.on('data', (chunk) => {
      this.bytes += chunk.length
      reader.take(chunk)
    })
    const pair = {
      end: () => [client, hub].forEach((socket) => socket.destroy()),
      flow: (isFlowing) => [client, hub].forEach((one) => (isFlowing ? one.resume() : one.pause())),
    }
    this.#pairs.add(pair)
    this.#pass(client, hub)
    this.#pass(hub, client)
    client.once('close', () => {
      this.#pairs.delete(pair)
      if (reader.fault !== null) this.unread.push(reader.fault)
      pair.end()
    })
    hub.once('close', () => client.destroy())
    if (this.#mode === 'silent') pair.flow(false)
    return undefined
  }

  #pass(from, to) {
    from.on('data', (chunk) => {
      if (this.#mode !== 'slow') return void to.write(chunk)
      // In order: while one piece waits, nothing more is read.
      from.pause()
      const pauseMs = SLOW_PAUSE_MS * Math.ceil(chunk.length / SLOW_BYTES)
      setTimeout(() => {
        to.write(chunk)
        if (this.#mode !== 'silent') from.resume()
      }, pauseMs)
    })
    from.once('end', () => to.end())
  }
}
