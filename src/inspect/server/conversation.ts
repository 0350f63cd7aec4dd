/** One window's connection: it greets, is shown the feed, and may ask. */
import type { WebSocket } from 'ws'
import { type ErrorOnWire, KittiwakeError } from '../../errors.ts'
import { parseJson } from '../../contracts/json/json.ts'
import { packageVersion } from '../../project/program-files.ts'
import type { Drawings } from '../drawing.ts'
import type { Feed } from '../feed.ts'
import { FeedReader } from '../feed-reader.ts'
import { type Ask, ASK, type EventFate, HELLO, type Hello } from '../client-protocol.ts'
import { INSPECT_PROTOCOL } from '../protocol.ts'
import type { InspectAnswer, Welcome } from '../client-protocol.ts'
import type { TraceHeader } from '../protocol.ts'

/** What the server shows, and what it can be asked for. */
export type Shown = {
  readonly feed: Feed
  readonly drawings: Drawings
  /** Null of a live feed. */
  readonly trace: TraceHeader | null
  /** Null where nobody can say. */
  readonly fate: ((eventId: string) => Promise<EventFate>) | null
  /** Null unless it was allowed. */
  readonly send: ((sessionId: string, event: { readonly type: string }) => void) | null
}

export const LINE_LENGTH_MAX = 64 * 1024
const HELLO_WITHIN_MS = 5_000
const NOT_UNDERSTOOD = 1008
/** Asks of one window that are not answered yet. */
const ASKS_MAX = 64

export class Conversation {
  readonly #socket: WebSocket
  readonly #shown: Shown
  readonly #late: NodeJS.Timeout
  #reader: FeedReader | null = null
  #asks = 0

  constructor(socket: WebSocket, shown: Shown) {
    this.#socket = socket
    this.#shown = shown
    this.#late = setTimeout(() => socket.close(NOT_UNDERSTOOD), HELLO_WITHIN_MS).unref()
    socket.on('message', (data, isBinary) =>
      this.#take(isBinary ? null : (data as Buffer).toString('utf8')),
    )
    socket.on('error', () => socket.terminate())
    socket.on('close', () => this.#end())
  }

  #take(text: string | null): void {
    for (const line of text?.split('\n') ?? ['']) {
      if (line === '' && text !== null) continue
      if (!this.#takeLine(line)) return this.#socket.close(NOT_UNDERSTOOD)
    }
  }

  #takeLine(line: string): boolean {
    const message = jsonOf(line)
    if (this.#reader !== null) {
      const ask = ASK.safeParse(message)
      if (!ask.success || this.#asks >= ASKS_MAX) return false
      void this.#answer(ask.data)
      return true
    }
    const hello = HELLO.safeParse(message)
    if (!hello.success) return false
    this.#greet(hello.data)
    return true
  }

  #greet({ session, after }: Hello): void {
    clearTimeout(this.#late)
    const { feed, trace, send } = this.#shown
    const known = session === feed.session && after !== undefined ? feed.placeAfter(after) : null
    const keyframe = known === null ? feed.keyframe : []
    const welcome: Welcome = {
      type: 'kittiwake.welcome',
      protocol: INSPECT_PROTOCOL,
      session: feed.session,
      version: packageVersion(),
      source: trace === null ? 'live' : 'trace',
      ...(trace === null ? {} : { trace }),
      resumed: known !== null,
      keyframe: keyframe.length,
      firstSeq: feed.firstSeq,
      lastSeq: feed.lastSeq,
      allowSend: send !== null,
    }
    const lines = [JSON.stringify(welcome), ...keyframe.map(({ line }) => line)]
    this.#socket.send(lines.join('\n'))
    const outlet = {
      send: (text: string) => this.#socket.send(text),
      waiting: () => this.#socket.bufferedAmount,
    }
    this.#reader = new FeedReader(feed, outlet, known ?? feed.start)
  }

  async #answer(ask: Ask): Promise<void> {
    this.#asks += 1
    try {
      this.#say({ type: 'kittiwake.answer', id: ask.id, ok: true, ...(await this.#find(ask)) })
    } catch (error) {
      this.#say({ type: 'kittiwake.answer', id: ask.id, ok: false, error: shownError(error) })
    } finally {
      this.#asks -= 1
    }
  }

  async #find(ask: Ask): Promise<{ drawing?: InspectDrawing; fate?: EventFate }> {
    const { feed, drawings, trace, fate, send } = this.#shown
    if (ask.ask === 'drawing') {
      const root = feed.machine(ask.hash)
      if (root === undefined) throw refusal('MACHINE_UNKNOWN', 'no machine of this hash was told')
      return { drawing: await drawings.draw({ hash: ask.hash, root }) }
    }
    if (trace !== null) throw refusal('INSPECT_TRACE', 'a trace only tells what was recorded')
    if (ask.ask === 'fate') {
      if (fate === null) throw refusal('FATE_UNKNOWN', 'no project is looked at')
      return { fate: await fate(ask.eventId) }
    }
    if (send === null) {
      throw refusal('SEND_NOT_ALLOWED', 'events may not be sent to actors', {
        hint: 'Start it with --allow-send.',
      })
    }
    send(ask.sessionId, ask.event)
    return {}
  }

  #say(answer: InspectAnswer): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(answer))
  }

  #end(): void {
    clearTimeout(this.#late)
    this.#reader?.stop()
  }
}

type InspectDrawing = NonNullable<Extract<InspectAnswer, { readonly ok: true }>['drawing']>

function jsonOf(line: string): unknown {
  try {
    return parseJson(line, LINE_LENGTH_MAX)
  } catch {
    return null
  }
}

function refusal(code: string, message: string, options: { readonly hint?: string } = {}) {
  return new KittiwakeError(code, message, options)
}

function shownError(error: unknown): Pick<ErrorOnWire, 'code' | 'message'> & { hint?: string } {
  if (!(error instanceof KittiwakeError)) return { code: 'INTERNAL', message: 'it failed' }
  const { code, message, hint } = error
  return { code, message, ...(hint === null ? {} : { hint }) }
}
