/**
 * What passes between the machines and one thread: posts and answers in pairs, with the time that each took. Answers
 * come in the order of the posts (L6), so that the oldest open one is answered next.
 */
import { monotonicMs } from '../project/monotonic.ts'
import { MAIN_THREAD, PROCESS_KEY, stampNow, type Unnumbered } from './feed-message.ts'
import { eventIdsOf, type Fate, type Fates, type ThreadAnswer, type ThreadAsk } from './fates.ts'
import type { FeedMessage } from './protocol.ts'

type Message = Extract<FeedMessage, { readonly type: 'kittiwake.message' }>

type Post = {
  readonly id: number
  readonly command: ThreadAsk
  readonly mono: number
  readonly createdAt: string
  /** Posted to a thread before this one, which died of it or with it. */
  readonly isAgain: boolean
}

/** Ids that a message names. */
const IDS_MAX = 64
/** Longer is not shown in a name. */
const NAME_MAX = 64

export class ThreadTalk {
  /** As in `<process>/<thread>`. */
  readonly thread: string
  readonly #tell: (message: Unnumbered) => void
  readonly #fates: Fates
  #open: Post[] = []
  #lost: Post[] = []
  #count = 0
  #posted = 0
  #answered = 0

  /** `fates` are those of the whole runtime: what one thread commits another one delivers. */
  constructor(thread: string, fates: Fates, tell: (message: Unnumbered) => void) {
    this.thread = thread
    this.#fates = fates
    this.#tell = tell
  }

  /** Posted to the present thread; answered by it. */
  get posted(): number {
    return this.#posted
  }

  get answered(): number {
    return this.#answered
  }

  /** What was posted before anybody looked. */
  assume(commands: readonly ThreadAsk[], taken: number): void {
    for (const command of commands) this.#open.push(this.#postOf(command))
    this.#posted = taken
  }

  post(command: ThreadAsk, actor: string): void {
    const post = this.#postOf(command)
    this.#open.push(post)
    this.#posted += 1
    this.#say({ phase: 'posted', id: post.id, name: command.type, command, actor })
  }

  answer(event: ThreadAnswered, actor: string): void {
    const post = this.#open.shift()
    this.#answered += 1
    if (post === undefined) return
    const { answer } = event
    this.#say({
      phase: 'answered',
      id: post.id,
      name: answer.type,
      command: post.command,
      latency: latencyOf(post, event),
      actor,
    })
    for (const fate of this.#fates.of(post.command, answer, post)) this.#tellFate(fate)
  }

  report(name: string, actor: string): void {
    this.#say({ phase: 'reported', name, actor })
  }

  /** What had no answer is posted again. */
  crash(code: string, actor: string): void {
    this.#lost = this.#open
    this.#open = []
    this.#posted = 0
    this.#answered = 0
    this.#say({ phase: 'crashed', name: code, actor })
  }

  #postOf(command: ThreadAsk): Post {
    const { createdAt, mono } = stampNow()
    const before = this.#lost.find((one) => one.command === command)
    if (before !== undefined) return { ...before, isAgain: true }
    this.#count += 1
    return { id: this.#count, command, mono, createdAt, isAgain: false }
  }

  #say(said: Pick<Message, 'phase' | 'name' | 'id' | 'latency'> & Said): void {
    const { command, actor, name, ...rest } = said
    const ids = command === undefined ? [] : eventIdsOf(command).slice(0, IDS_MAX)
    const main = `${PROCESS_KEY}/${MAIN_THREAD}`
    const thread = `${PROCESS_KEY}/${this.thread}`
    const isDown = said.phase === 'posted'
    this.#tell({
      type: 'kittiwake.message',
      ...stampNow(isDown ? MAIN_THREAD : this.thread),
      from: isDown ? main : thread,
      to: isDown ? thread : main,
      sessionId: actor,
      name: name.slice(0, NAME_MAX),
      ...rest,
      ...(ids.length === 0 ? {} : { eventIds: ids }),
    })
  }

  #tellFate(fate: Fate): void {
    this.#tell({ type: 'kittiwake.fate', ...stampNow(), ...fate })
  }
}

type Said = { readonly command?: ThreadAsk; readonly actor: string }

export type ThreadAnswered = {
  readonly answer: ThreadAnswer
  readonly takenAt?: number
  readonly answeredAt?: number
}

function latencyOf(post: Post, { takenAt, answeredAt }: ThreadAnswered): Message['latency'] {
  const now = monotonicMs()
  const totalMs = between(post.mono, now)
  if (takenAt === undefined || answeredAt === undefined || post.isAgain) return { totalMs }
  return {
    queuedMs: between(post.mono, takenAt),
    handledMs: between(takenAt, answeredAt),
    returnedMs: between(answeredAt, now),
    totalMs,
  }
}

// Two threads read one clock, but not at once; and what was posted before anybody looked has no true time.
function between(from: number, to: number): number {
  return Math.max(0, Math.round((to - from) * 1_000) / 1_000)
}
