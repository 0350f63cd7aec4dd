/** What became of each event: its stages, in the order in which they were told. */
import type { Entry, MessageOf } from './entry.ts'
import { lowerBound } from './search.ts'

export type FateStage = Entry<MessageOf<'kittiwake.fate'>>['message']['stage']

export type Fate = {
  readonly eventId: string
  readonly eventType: string | null
  readonly lamport: number | null
  readonly stages: readonly Entry<MessageOf<'kittiwake.fate'>>[]
}

/** The way of an event, as columns; `refused` ends it instead of the last. */
export const STAGES = ['stored', 'committed', 'sent', 'acknowledged'] as const

/** Events that are kept; the oldest go first. */
const FATES_MAX = 50_000

type Kept = {
  eventId: string
  eventType: string | null
  lamport: number | null
  stages: Entry<MessageOf<'kittiwake.fate'>>[]
}

export class Fates {
  readonly #fateById = new Map<string, Kept>()
  #list: Kept[] = []

  /** In the order in which they were first told of. */
  get list(): readonly Fate[] {
    return this.#list
  }

  get(eventId: string): Fate | undefined {
    return this.#fateById.get(eventId)
  }

  add(entry: Entry<MessageOf<'kittiwake.fate'>>): void {
    const { eventId, eventType, lamport } = entry.message
    const known = this.#fateById.get(eventId)
    const fate = known ?? { eventId, eventType: null, lamport: null, stages: [] }
    fate.stages.push(entry)
    fate.eventType ??= eventType ?? null
    fate.lamport ??= lamport ?? null
    if (known !== undefined) return
    this.#fateById.set(eventId, fate)
    this.#list.push(fate)
    if (this.#list.length > FATES_MAX) this.#shorten()
  }

  /** Those that had been told of by then. */
  upTo(at: number): readonly Fate[] {
    const end = lowerBound(this.#list, ({ stages }) => (stages[0]?.at ?? 0) <= at)
    return end === this.#list.length ? this.#list : this.#list.slice(0, end)
  }

  #shorten(): void {
    const count = FATES_MAX / 10
    for (const { eventId } of this.#list.slice(0, count)) this.#fateById.delete(eventId)
    this.#list = this.#list.slice(count)
  }
}

/** Stages that were reached by then; a stage that was told twice counts once, by its first time. */
export function stagesAt(
  fate: Fate,
  at: number,
): ReadonlyMap<FateStage, Entry<MessageOf<'kittiwake.fate'>>> {
  const reached = new Map<FateStage, Entry<MessageOf<'kittiwake.fate'>>>()
  for (const entry of fate.stages) {
    const { stage } = entry.message
    if (entry.at <= at && !reached.has(stage)) reached.set(stage, entry)
  }
  return reached
}

/** When it happened, which may be before it was told; both in ms. */
export function stageTime({ message }: Entry<MessageOf<'kittiwake.fate'>>): {
  createdAt: string
  mono: number
} {
  return {
    createdAt: message.happenedAt ?? message.createdAt,
    mono: message.happenedMono ?? message.mono,
  }
}

/** Decisions have no clock: they are kept in the repository, and it is their commit that the hub is told of. */
export function isOfLedger({ lamport, stages }: Fate): boolean {
  // An event that waited since before the first message is told of by its id alone.
  const isKept = ({ message: { stage } }: Fate['stages'][number]): boolean =>
    stage === 'stored' || stage === 'committed'
  return lamport === null && stages.some(isKept)
}

/** Whether nothing more is to come: acknowledged, refused for good, or in its commit where it is of the ledger. */
export function isSettled(fate: Fate, at: number): boolean {
  const reached = stagesAt(fate, at)
  if (reached.has('acknowledged')) return true
  if (reached.get('refused')?.message.final === true) return true
  return isOfLedger(fate) && reached.has('committed')
}
