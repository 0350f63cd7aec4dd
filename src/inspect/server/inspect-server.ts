/** The inspector's server: a page for this machine alone, and the feed for who came by the link that was printed. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { InputError, systemCode } from '../../errors.ts'
import { type PageFile, pageHeaders, readPageFiles } from '../../project/page-files.ts'
import { INSPECT_PAGE_FOLDER } from '../../project/program-files.ts'
import { Access, type Refusal, SUBPROTOCOL } from './access.ts'
import { Conversation, LINE_LENGTH_MAX, type Shown } from './conversation.ts'

export type InspectServerOptions = {
  readonly shown: Shown
  /** 0, the default, takes a free one. */
  readonly port?: number
  /** The link was used; here is another one, for another window. */
  readonly used?: (url: string) => void
}

const HOST = '127.0.0.1'
/** Paths are read against it. */
const ORIGIN = `http://${HOST}`
const FEED_PATH = '/feed'
const REQUEST_TIMEOUT_MS = 10_000
const CLOSE_GOING_AWAY = 1001
/** Then what is still open is cut. */
const CLOSE_WITHIN_MS = 500
const WINDOWS_MAX = 32

export class InspectServer {
  readonly #options: InspectServerOptions
  readonly #access = new Access()
  readonly #files: ReadonlyMap<string, PageFile>
  readonly #server: Server
  readonly #sockets: WebSocketServer
  #port = 0

  /** @throws InputError INSPECT_PORT */
  static async start(options: InspectServerOptions): Promise<InspectServer> {
    const server = new InspectServer(options)
    await server.#listen(options.port ?? 0)
    return server
  }

  private constructor(options: InspectServerOptions) {
    this.#options = options
    this.#files = readPageFiles(INSPECT_PAGE_FOLDER)
    this.#server = createServer((request, response) => this.#serve(request, response))
    this.#server.requestTimeout = REQUEST_TIMEOUT_MS
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head))
    this.#sockets = new WebSocketServer({
      noServer: true,
      maxPayload: LINE_LENGTH_MAX,
      perMessageDeflate: false,
      handleProtocols: () => SUBPROTOCOL,
    })
  }

  get port(): number {
    return this.#port
  }

  /** Works once. */
  get url(): string {
    return `http://${HOST}:${this.#port}/?token=${this.#access.token}`
  }

  /** Ends every connection; never rejects. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.close(CLOSE_GOING_AWAY)
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeIdleConnections()
    const cut = setTimeout(() => this.#cut(), CLOSE_WITHIN_MS)
    await closed
    clearTimeout(cut)
    await this.#options.shown.drawings.close()
  }

  #cut(): void {
    for (const socket of this.#sockets.clients) socket.terminate()
    this.#server.closeAllConnections()
  }

  async #listen(port: number): Promise<void> {
    try {
      const isUp = once(this.#server, 'listening')
      this.#server.listen(port, HOST)
      await isUp
    } catch (error) {
      const code = systemCode(error)
      if (code === null) throw error
      throw new InputError('INSPECT_PORT', `the port can't be used (${code})`, {
        hint: 'Name another one with --port, or none.',
        cause: error,
      })
    }
    this.#port = (this.#server.address() as AddressInfo).port
    this.#access.listensOn(this.#port)
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const refused = this.#access.refuseHost(request)
    if (refused !== null) return this.#refuse(response, refused)
    if (request.method !== 'GET') return this.#answer(response, 405, 'METHOD_NOT_ALLOWED')
    const path = request.url ?? ''
    if (!URL.canParse(path, ORIGIN)) return this.#answer(response, 404, 'NOT_FOUND')
    const url = new URL(path, ORIGIN)
    const token = url.searchParams.get('token')
    if (url.pathname === '/' && token !== null) return this.#enter(response, token)
    const refusedFiles = this.#access.refuseFiles(request)
    if (refusedFiles !== null) return this.#refuse(response, refusedFiles)
    const file = this.#files.get(url.pathname)
    if (file === undefined) return this.#answer(response, 404, 'NOT_FOUND')
    response.writeHead(200, { ...this.#headers(), 'content-type': file.type }).end(file.bytes)
  }

  #enter(response: ServerResponse, token: string): void {
    const session = this.#access.enter(token)
    if (session === null) return this.#answer(response, 401, 'TOKEN_USED')
    const cookie = `${this.#access.cookieName}=${session.cookie}; HttpOnly; SameSite=Lax; Path=/`
    response
      .writeHead(303, {
        ...this.#headers(),
        location: `/#session=${session.secret}`,
        'set-cookie': cookie,
      })
      .end()
    this.#options.used?.(this.url)
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy())
    const refused = this.#access.refuseHost(request) ?? this.#access.refuseFeed(request)
    if (refused !== null) return refuseUpgrade(socket, refused.status)
    if (request.url !== FEED_PATH) return refuseUpgrade(socket, 404)
    if (this.#sockets.clients.size >= WINDOWS_MAX) return refuseUpgrade(socket, 503)
    this.#sockets.handleUpgrade(request, socket, head, (client: WebSocket) => {
      void new Conversation(client, this.#options.shown)
    })
  }

  #refuse(response: ServerResponse, { status, code }: Refusal): void {
    this.#answer(response, status, code)
  }

  #answer(response: ServerResponse, status: number, code: string): void {
    const text = `${code}\nOpen the link that \`kittiwake inspect\` has printed; it works once.\n`
    response
      .writeHead(status, { ...this.#headers(), 'content-type': 'text/plain; charset=utf-8' })
      .end(text)
  }

  #headers(): Readonly<Record<string, string>> {
    return pageHeaders(this.#access.origins.map((origin) => origin.replace('http', 'ws')))
  }
}

function refuseUpgrade(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
