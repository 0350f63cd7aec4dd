/** What is looked at: all that was told, the moment, and what is chosen. Views read it and call it; it tells when to draw. */
import type { Drawing, EventFate, Welcome } from '../client-protocol.ts'
import type { FeedMessage } from '../protocol.ts'
import { type Answer, Link, type LinkState } from './feed/link.ts'
import { actorOf, type Entry, isEntry } from './model/entry.ts'
import { type Filter, FIRST_FILTER, Rows } from './model/filter.ts'
import { History, LIVE_ENTRIES_MAX } from './model/history.ts'
import { lowerBound } from './model/search.ts'

export const TABS = ['chart', 'sequence', 'events', 'health'] as const
export type Tab = (typeof TABS)[number]
export type Side = 'context' | 'message' | 'fate'

export type View = {
  /** Position of the message that is looked at; null follows the newest. */
  readonly cursor: number | null
  readonly isPlaying: boolean
  readonly actor: string | null
  readonly eventId: string | null
  readonly stateId: string | null
  readonly tab: Tab
  readonly side: Side
  readonly filter: Filter
  /** Of the list of events: its search, and whether it has only those that are not at the hub. */
  readonly eventWords: string
  readonly isOnlyOpen: boolean
  readonly showsEnded: boolean
  readonly closed: ReadonlySet<string>
  readonly isHelpOpen: boolean
}

type Asked<T> =
  | T
  | 'waiting'
  | { readonly code: string; readonly message: string; readonly hint?: string }

/** Drawn no more often for what comes; what a person does is drawn at once. */
const FEED_FRAME_MS = 80
/** While a long trace is read, so that little of the time goes into drawing what is over at once. */
const READING_FRAME_MS = 400
const PLAY_TICK_MS = 50

export class Inspector {
  history = new History()
  welcome: Welcome | null = null
  view: View = {
    cursor: null,
    isPlaying: false,
    actor: null,
    eventId: null,
    stateId: null,
    tab: 'chart',
    side: 'context',
    filter: FIRST_FILTER,
    eventWords: '',
    isOnlyOpen: false,
    showsEnded: false,
    closed: new Set<string>(),
    isHelpOpen: false,
  }
  readonly #link: Link | null
  readonly #rows = new Rows()
  readonly #drawingByHash = new Map<string, Asked<Drawing>>()
  readonly #fateById = new Map<string, Asked<EventFate>>()
  #draw: () => void = () => {}
  #isDue = false
  #isDueSoon = false
  #player: ReturnType<typeof setInterval> | null = null

  /** Null: this window was opened without a link. */
  constructor(secret: string | null) {
    this.#link =
      secret === null
        ? null
        : new Link({
            secret,
            welcome: (welcome) => this.#greet(welcome),
            message: (message, line) => this.#take(message, line),
            changed: () => this.#drawSoon(),
          })
  }

  start(draw: () => void): void {
    this.#draw = draw
    this.#link?.open()
    this.#draw()
  }

  get linkState(): LinkState | { readonly kind: 'unlinked' } {
    return this.#link?.state ?? { kind: 'unlinked' }
  }

  get progress(): { readonly read: number; readonly expected: number } {
    return this.#link?.progress ?? { read: 0, expected: 0 }
  }

  /** Position of the message that everything is shown as of; -1 where nothing has come. */
  get now(): number {
    const last = this.history.end - 1
    return Math.min(Math.max(this.view.cursor ?? last, Math.min(this.history.start, last)), last)
  }

  get isLive(): boolean {
    return this.view.cursor === null
  }

  /** Positions of the messages that the filter lets through. */
  get rows(): readonly number[] {
    return this.#rows.update(this.history, this.view.filter)
  }

  /** The last listed message up to now. */
  get focused(): Entry | undefined {
    const { rows, now } = this
    return this.history.at(rows[lowerBound(rows, (at) => at <= now) - 1] ?? -1)
  }

  show(change: Partial<View>): void {
    this.view = { ...this.view, ...change }
    this.#drawNow()
  }

  filter(change: Partial<Filter>): void {
    this.show({ filter: { ...this.view.filter, ...change } })
  }

  /** Looks at one moment, and stays there. */
  goTo(position: number): void {
    const last = this.history.end - 1
    this.#stopPlaying()
    this.show({
      cursor: Math.max(this.history.start, Math.min(position, last)),
      isPlaying: false,
    })
  }

  /** As above, and at what the message is about. */
  open(position: number): void {
    const entry = this.history.at(position)
    const actor = entry === undefined ? null : actorOf(entry)
    const known = this.history.actor(actor)
    const isMachine = known?.first.message.kind === 'machine'
    const eventId = isEntry(entry, 'kittiwake.fate') ? entry.message.eventId : null
    this.#stopPlaying()
    this.show({
      cursor: position,
      isPlaying: false,
      side: eventId === null ? (this.view.side === 'fate' ? 'message' : this.view.side) : 'fate',
      ...(isMachine ? { actor } : {}),
      ...(eventId === null ? {} : { eventId }),
    })
  }

  choose(actor: string): void {
    const { filter } = this.view
    this.show({
      actor,
      stateId: null,
      filter: filter.actor === null ? filter : { ...filter, actor },
      side: this.view.side === 'fate' ? 'context' : this.view.side,
    })
  }

  follow(): void {
    this.#stopPlaying()
    this.show({ cursor: null, isPlaying: false })
  }

  /** Holds the moment, or lets it go on: a feed to its newest, from before that at the pace at which it happened. */
  togglePause(): void {
    if (this.view.isPlaying) {
      this.#stopPlaying()
      this.show({ isPlaying: false })
    } else if (this.isLive) this.show({ cursor: this.now })
    else this.#play()
  }

  drawing(hash: string): Asked<Drawing> {
    return this.#asked(
      this.#drawingByHash,
      hash,
      { ask: 'drawing', hash },
      ({ drawing }) => drawing,
    )
  }

  /** What the outbox says now; asked anew by `askAgain`. */
  fateNow(eventId: string): Asked<EventFate> {
    return this.#asked(this.#fateById, eventId, { ask: 'fate', eventId }, ({ fate }) => fate)
  }

  askAgain(eventId: string): void {
    this.#fateById.delete(eventId)
    this.#drawNow()
  }

  send(sessionId: string, event: { readonly type: string }): Promise<Answer> | null {
    return this.#link?.ask({ ask: 'send', sessionId, event }) ?? null
  }

  #asked<T>(
    known: Map<string, Asked<T>>,
    key: string,
    question: Parameters<Link['ask']>[0],
    read: (answer: Extract<Answer, { readonly ok: true }>) => T | undefined,
  ): Asked<T> {
    const before = known.get(key)
    if (before !== undefined) return before
    known.set(key, 'waiting')
    void this.#link?.ask(question).then((answer) => {
      const found = answer.ok ? read(answer) : answer.error
      if (!answer.ok && answer.error.code === 'LINK_LOST') known.delete(key)
      else known.set(key, found ?? { code: 'ANSWER_EMPTY', message: 'the server had no answer' })
      this.#drawNow()
    })
    return 'waiting'
  }

  #greet(welcome: Welcome): void {
    this.welcome = welcome
    if (welcome.resumed) return
    const max = welcome.source === 'trace' ? Number.POSITIVE_INFINITY : LIVE_ENTRIES_MAX
    this.history = new History(max)
    this.#fateById.clear()
    // At its end most actors of a trace are over: they are what one came to see.
    const showsEnded = this.view.showsEnded || welcome.source === 'trace'
    this.view = { ...this.view, cursor: null, isPlaying: false, showsEnded }
  }

  #take(message: FeedMessage, line: string): void {
    this.history.add(message, line)
    // The first thing to look at: most questions are asked of the connection.
    const isFirst = this.view.actor === null && message.type === '@xstate.actor'
    const isBetter =
      message.type === '@xstate.actor' && message.name === 'connection' && this.#isUnchosen
    if ((isFirst && message.kind === 'machine') || isBetter) {
      this.view = { ...this.view, actor: message.sessionId }
    }
  }

  get #isUnchosen(): boolean {
    const first = this.history.actor(this.view.actor)?.first.message
    return first === undefined || first.name === 'supervisor'
  }

  #play(): void {
    this.#stopPlaying()
    const start = this.history.at(this.now)?.message.mono ?? 0
    const startedAt = performance.now()
    this.#player = setInterval(() => {
      const position = this.history.positionAt(start + performance.now() - startedAt)
      if (position < this.history.end - 1) this.show({ cursor: position })
      else this.follow()
    }, PLAY_TICK_MS)
    this.show({ isPlaying: true })
  }

  #stopPlaying(): void {
    if (this.#player !== null) clearInterval(this.#player)
    this.#player = null
  }

  #drawSoon(): void {
    if (this.#isDueSoon) return
    this.#isDueSoon = true
    setTimeout(
      () => {
        this.#isDueSoon = false
        this.#drawNow()
      },
      this.linkState.kind === 'reading' ? READING_FRAME_MS : FEED_FRAME_MS,
    )
  }

  #drawNow(): void {
    if (this.#isDue) return
    this.#isDue = true
    requestAnimationFrame(() => {
      this.#isDue = false
      this.#draw()
    })
  }
}
