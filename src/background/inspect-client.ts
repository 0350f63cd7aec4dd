/** Looks at the machines of the background process: its messages come into a feed of ours, also of the next process. */
import { connect, type Socket } from 'node:net'
import type { Unnumbered } from '../inspect/feed-message.ts'
import { stampNow } from '../inspect/feed-message.ts'
import { checkMessage } from '../inspect/message-check.ts'
import { isControlPrivate, type Places } from './places.ts'
import type { ControlRequest } from './protocol.ts'

type InspectRequest = Extract<ControlRequest, { readonly type: 'inspect' }>

/** It has ended, or another one takes its place. */
const AGAIN_MS = 500
const LINE_LENGTH_MAX = 4 * 1024 * 1024

export class BackgroundFollower {
  readonly #places: Places
  readonly #request: InspectRequest
  readonly #tell: (message: Unnumbered) => void
  #socket: Socket | null = null
  #timer: NodeJS.Timeout | null = null
  #text = ''
  #isGreeted = false
  #process: string | null = null
  #isOver = false

  constructor(
    places: Places,
    request: Omit<InspectRequest, 'type'>,
    tell: (message: Unnumbered) => void,
  ) {
    this.#places = places
    this.#request = { type: 'inspect', ...request }
    this.#tell = tell
    this.#connect()
  }

  send(sessionId: string, event: { readonly type: string }): void {
    const ask = { type: 'kittiwake.ask', id: 1, ask: 'send', sessionId, event }
    this.#socket?.write(`${JSON.stringify(ask)}\n`)
  }

  stop(): void {
    this.#isOver = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#socket?.destroy()
  }

  #connect(): void {
    this.#timer = null
    if (!isControlPrivate(this.#places)) return this.#again()
    const socket = connect(this.#places.control)
    this.#socket = socket
    this.#text = ''
    this.#isGreeted = false
    socket.setEncoding('utf8')
    socket.on('connect', () => socket.write(`${JSON.stringify(this.#request)}\n`))
    socket.on('data', (chunk: string) => this.#take(chunk, socket))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      this.#end()
      this.#again()
    })
  }

  #again(): void {
    if (!this.#isOver) this.#timer = setTimeout(() => this.#connect(), AGAIN_MS)
  }

  #take(chunk: string, socket: Socket): void {
    this.#text += chunk
    const lines = this.#text.split('\n')
    this.#text = lines.pop() ?? ''
    if (this.#text.length > LINE_LENGTH_MAX) socket.destroy()
    for (const line of lines) this.#takeLine(line)
  }

  #takeLine(line: string): void {
    // The first one only says that it was heard.
    if (!this.#isGreeted) {
      this.#isGreeted = true
      return
    }
    const value = jsonOf(line)
    const message = checkMessage(typeof value === 'object' ? { ...value, seq: 1 } : null)
    if (message === null || message === 'unknown') return
    const { seq: _, ...unnumbered } = message
    this.#process = message.process
    this.#tell(unnumbered)
  }

  #end(): void {
    if (this.#process === null) return
    const process = this.#process
    this.#process = null
    this.#tell({ type: 'kittiwake.ended', ...stampNow(), process, reason: 'gone' })
  }
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}
