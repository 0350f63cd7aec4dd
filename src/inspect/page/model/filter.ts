/** Which messages the timeline lists: by their group, by actor, and by words in them. */
import type { FeedType } from '../../protocol.ts'
import { actorOf, type Entry } from './entry.ts'
import type { History } from './history.ts'

export type Group = 'steps' | 'events' | 'snapshots' | 'actions' | 'threads' | 'fates' | 'figures'

export const GROUPS: readonly { readonly group: Group; readonly label: string }[] = [
  { group: 'steps', label: 'Transitions' },
  { group: 'events', label: 'Events' },
  { group: 'threads', label: 'Threads' },
  { group: 'fates', label: 'Fates' },
  { group: 'actions', label: 'Actions' },
  { group: 'snapshots', label: 'Snapshots' },
  { group: 'figures', label: 'Figures' },
]

const GROUP_BY_TYPE: Partial<Record<FeedType, Group>> = {
  '@xstate.microstep': 'steps',
  '@xstate.event': 'events',
  '@xstate.snapshot': 'snapshots',
  '@xstate.action': 'actions',
  'kittiwake.message': 'threads',
  'kittiwake.fate': 'fates',
  'kittiwake.figures': 'figures',
}

export type Filter = {
  readonly hidden: ReadonlySet<Group>
  /** Session id; null of all. */
  readonly actor: string | null
  /** Words or parts of them, of which all must stand in the message or its actor's name; case does not matter. */
  readonly words: string
}

export const FIRST_FILTER: Filter = {
  hidden: new Set<Group>(['actions', 'snapshots', 'figures']),
  actor: null,
  words: '',
}

/** What is in no group, such as that messages were left out, can't be hidden. */
export function groupOf(entry: Entry): Group | null {
  return GROUP_BY_TYPE[entry.message.type] ?? null
}

/** Positions of what a filter lets through, kept up as more comes. */
export class Rows {
  #filter: Filter | null = null
  #history: History | null = null
  #positions: number[] = []
  /** What was looked at already. */
  #end = 0

  update(history: History, filter: Filter): readonly number[] {
    if (history !== this.#history || filter !== this.#filter) {
      this.#history = history
      this.#filter = filter
      this.#positions = []
      this.#end = history.start
    }
    const passes = passer(filter, history)
    for (let at = Math.max(this.#end, history.start); at < history.end; at += 1) {
      const entry = history.at(at)
      if (entry !== undefined && passes(entry)) this.#positions.push(at)
    }
    this.#end = history.end
    if ((this.#positions[0] ?? history.start) < history.start) {
      this.#positions = this.#positions.filter((at) => at >= history.start)
    }
    return this.#positions
  }
}

function passer({ hidden, actor, words }: Filter, history: History): (entry: Entry) => boolean {
  const patterns = words
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => new RegExp(word.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'), 'i'))
  return (entry) => {
    const group = groupOf(entry)
    if (group !== null && hidden.has(group)) return false
    if (actor !== null && !concerns(entry, actor)) return false
    // Its line has the actor's key alone, and a person looks for its name.
    const name = history.actor(actorOf(entry))?.first.message.name ?? ''
    return patterns.every((pattern) => pattern.test(entry.line) || pattern.test(name))
  }
}

function concerns(entry: Entry, actor: string): boolean {
  if (actorOf(entry) === actor) return true
  return entry.message.type === '@xstate.event' && entry.message.sourceId === actor
}
