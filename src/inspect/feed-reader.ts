/** Reads a feed into a connection, as fast as that takes it. What fell out of the buffer meanwhile is said. */
import { stampNow } from './feed-message.ts'
import type { Feed } from './feed.ts'

export type Outlet = {
  /** One or more lines. */
  send(text: string): void
  /** Bytes that the connection has not taken yet. */
  waiting(): number
}

/** More than that, and nothing is sent until less waits. */
const WAITING_BYTES_MAX = 1024 * 1024
const CHUNK_LENGTH = 64 * 1024
/** Messages that come close together go in one frame. */
const GATHER_MS = 20
const RETRY_MS = 50

export class FeedReader {
  readonly #feed: Feed
  readonly #outlet: Outlet
  readonly #stopListening: () => void
  #place: number
  #seq = 0
  #timer: NodeJS.Timeout | null = null

  /** `place`: of the first message that is to be told. */
  constructor(feed: Feed, outlet: Outlet, place: number) {
    this.#feed = feed
    this.#outlet = outlet
    this.#place = place
    this.#stopListening = feed.listen(() => this.#wake(GATHER_MS))
    this.#pump()
  }

  stop(): void {
    this.#stopListening()
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  #wake(ms: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null
      this.#pump()
    }, ms)
  }

  #pump(): void {
    while (this.#place < this.#feed.end) {
      if (this.#outlet.waiting() > WAITING_BYTES_MAX) return this.#wake(RETRY_MS)
      if (this.#place < this.#feed.start) this.#skip()
      else this.#outlet.send(this.#chunk())
    }
  }

  #chunk(): string {
    const lines: string[] = []
    for (let length = 0; length < CHUNK_LENGTH;) {
      const entry = this.#feed.at(this.#place)
      if (entry === undefined) break
      lines.push(entry.line)
      length += entry.line.length + 1
      this.#place += 1
      this.#seq = entry.seq
    }
    return lines.join('\n')
  }

  /** What changed in between stands in the keyframe; the rest is left out. */
  #skip(): void {
    const { start, firstSeq, keyframe } = this.#feed
    const news = keyframe.filter(({ seq }) => seq > this.#seq)
    const gap = start - this.#place - news.length
    const stamp = stampNow()
    const sampled = {
      type: 'kittiwake.sampled',
      ...stamp,
      seq: firstSeq - 1,
      reason: 'slow_reader',
      leftOut: gap,
      byType: {},
      fromMono: stamp.mono,
      toMono: stamp.mono,
    }
    const lines = news.map(({ line }) => line)
    if (gap > 0) lines.push(JSON.stringify(sampled))
    this.#place = start
    if (lines.length > 0) this.#outlet.send(lines.join('\n'))
  }
}
