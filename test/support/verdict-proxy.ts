/** Stands between a machine and its hub, and has single frames and single answers of a real hub be lost. */
import { createServer, request as ask } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { WebSocket, WebSocketServer } from 'ws'

const HOST = '127.0.0.1'
const BATCH_PATH = '/api/v1/events/batch/'
const WORK = new Set(['event', 'events', 'LocalCommit', 'LedgerLines'])
const VERDICTS = new Set(['ack', 'acks', 'LocalCommitAck', 'LedgerLinesAck'])

/** `work`: events or a commit on their way to the hub; `verdict`: what the hub says of them. */
export type Passing = 'work' | 'verdict'

export class VerdictProxy implements AsyncDisposable {
  hubPort = 0
  /** Without sockets a client goes by HTTP. */
  takesSockets = true
  /** Asked at each; where it answers true, that is lost, and an HTTP request with it. */
  loses: (passing: Passing) => boolean = () => false
  readonly #server = createServer((request, response) => void this.#relay(request, response))
  readonly #sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false })

  static async open(): Promise<VerdictProxy> {
    const proxy = new VerdictProxy()
    proxy.#server.on('upgrade', (request, wire, head) => {
      if (!proxy.takesSockets) return wire.destroy()
      const { authorization = '', host = '' } = request.headers
      const url = `ws://${HOST}:${proxy.hubPort}${request.url ?? ''}`
      const up = new WebSocket(url, { headers: { authorization, host }, perMessageDeflate: false })
      up.on('error', () => wire.destroy())
      up.once('open', () => {
        proxy.#sockets.handleUpgrade(request, wire, head, (down) => proxy.#join(down, up))
      })
      return undefined
    })
    await new Promise<void>((resolve) => proxy.#server.listen(0, HOST, resolve))
    return proxy
  }

  get url(): string {
    return `http://${HOST}:${(this.#server.address() as AddressInfo).port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate()
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #join(down: WebSocket, up: WebSocket): void {
    for (const [from, to, kinds, passing] of [
      [down, up, WORK, 'work'],
      [up, down, VERDICTS, 'verdict'],
    ] as const) {
      from.on('error', () => {})
      // What was said before is still heard.
      from.on('close', () => to.close())
      from.on('message', (data) => {
        const text = (data as Buffer).toString('utf8')
        const { type } = JSON.parse(text) as { type: string }
        if (!kinds.has(type) || !this.loses(passing)) to.send(text)
      })
    }
  }

  async #relay(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request)
    const isBatch = request.url === BATCH_PATH
    if (isBatch && this.loses('work')) return void response.destroy()
    const { method, headers, url: path } = request
    const asked = ask({ host: HOST, port: this.hubPort, path, method, headers }, (answer) => {
      void buffer(answer).then((bytes) => {
        const isVerdict = isBatch && answer.statusCode === 200
        if (isVerdict && this.loses('verdict')) return response.destroy()
        return response.writeHead(answer.statusCode ?? 502, answer.headers).end(bytes)
      })
    })
    asked.on('error', () => response.destroy())
    asked.end(body)
  }
}
