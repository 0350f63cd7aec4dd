/** The door of the background process: a line in, a line out, each connection bounded in time and length. */
import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { type ControlRequest, LINE_LENGTH_MAX, parseRequest } from './protocol.ts'

const CONNECTIONS_MAX = 64
const CONNECTION_WITHIN_MS = 2_000
/** What is asked may take as long as the end of a link. */
const ANSWER_WITHIN_MS = 5_000

export type Answer = object | null | 'kept'

export class ControlServer {
  readonly #path: string
  readonly #answer: (request: ControlRequest, socket: Socket) => Answer | Promise<Answer>
  readonly #sockets = new Set<Socket>()
  #server: Server | null = null

  /**
   * `answer` may say null: then nothing is said; or `kept`: then the connection is in its hands. It never rejects.
   */
  constructor(
    path: string,
    answer: (request: ControlRequest, socket: Socket) => Answer | Promise<Answer>,
  ) {
    this.#path = path
    this.#answer = answer
  }

  /** For the holder of the lock: what lies in the way was left by one that died. @throws the system's own errors */
  async listen(): Promise<void> {
    if (process.platform !== 'win32') rmSync(this.#path, { force: true })
    const server = createServer((socket) => this.#serve(socket))
    server.maxConnections = CONNECTIONS_MAX
    const isUp = once(server, 'listening')
    server.listen(this.#path)
    await isUp
    // A connection that can't be accepted is the other side's loss.
    server.on('error', () => undefined)
    if (process.platform !== 'win32') chmodSync(this.#path, 0o600)
    this.#server = server
  }

  /** Nobody comes in any more; what is being said is said. */
  close(): void {
    this.#server?.close()
    this.#server = null
  }

  /** Ends the conversations, too. */
  destroy(): void {
    this.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    socket.setTimeout(CONNECTION_WITHIN_MS, () => socket.destroy())
    socket.setEncoding('utf8')
    let text = ''
    socket.on('data', (chunk: string) => {
      text += chunk
      const end = text.indexOf('\n')
      if (end !== -1) return void this.#say(socket, text.slice(0, end))
      if (text.length > LINE_LENGTH_MAX) socket.destroy()
    })
  }

  async #say(socket: Socket, line: string): Promise<void> {
    socket.removeAllListeners('data')
    socket.setTimeout(ANSWER_WITHIN_MS)
    const request = parseRequest(line)
    const answer =
      request === null
        ? { ok: false, error: { code: 'CONTROL_INVALID' } }
        : await this.#answer(request, socket)
    if (answer === 'kept') {
      socket.setTimeout(0)
      return
    }
    socket.end(answer === null ? '' : `${JSON.stringify(answer)}\n`)
  }
}
