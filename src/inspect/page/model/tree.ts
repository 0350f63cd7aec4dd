/** Processes, their threads, and the actors in them, as of one message. */
import type { ActorTrack } from './actor-track.ts'
import type { Entry, MessageOf } from './entry.ts'
import type { History } from './history.ts'
import { leafText, visible } from '../../../page/text.ts'
import { stateText } from '../../../page/state-text.ts'

export type TreeRow = {
  readonly key: string
  readonly kind: 'process' | 'thread' | 'actor'
  readonly depth: number
  readonly label: string
  readonly state: string
  /** The same where there is little room. */
  readonly shortState: string
  /** Waiting messages; null where none is told. */
  readonly mailbox: number | null
  readonly restarts: number
  readonly ageMs: number | null
  readonly isOver: boolean
  /** Something of it failed or is being restarted. */
  readonly isTroubled: boolean
  /** Callbacks hold no states. */
  readonly isMachine: boolean
}

type Figures = Entry<MessageOf<'kittiwake.figures'>>['message']
type Measured = { readonly mailbox: number; readonly restarts: number }

const TROUBLED = /^(?:restarting|failed|degraded|backingOff|suspended|error)\b/

export type TreeOptions = { readonly showsEnded: boolean; readonly closed: ReadonlySet<string> }

export function treeAt(history: History, at: number, options: TreeOptions): readonly TreeRow[] {
  const mono = history.at(at)?.message.mono ?? 0
  const childrenByParent = groupActors(history, at, options.showsEnded)
  const rows: TreeRow[] = []
  for (const [process, threads] of history.threads) {
    const figures = history.figures(process, at)
    const row = processRow(history, process, at)
    if (row.isOver && !options.showsEnded && history.threads.size > 1) continue
    rows.push(row)
    if (options.closed.has(row.key)) continue
    for (const thread of threads) {
      const own = threadRow(process, thread, figures, mono, row.isOver)
      rows.push(own)
      if (options.closed.has(own.key)) continue
      addActors(childrenByParent.get(own.key) ?? [], 2, rows, {
        childrenByParent,
        at,
        mono,
        measured: measuredOf(figures),
        closed: options.closed,
      })
    }
  }
  return rows
}

/** How many actors are over and not shown. */
export function endedCount(history: History, at: number): number {
  let ended = 0
  for (const { over } of history.actors) if (over !== null && over.at <= at) ended += 1
  return ended
}

function groupActors(
  history: History,
  at: number,
  showsEnded: boolean,
): ReadonlyMap<string, readonly ActorTrack[]> {
  const there = [...history.actors].filter(
    (actor) => actor.first.at <= at && (showsEnded || actor.isThere(at)),
  )
  const ids = new Set(there.map(({ id }) => id))
  const groups = new Map<string, ActorTrack[]>()
  for (const actor of there) {
    const { parentId, process, thread } = actor.first.message
    const parent =
      parentId !== null && ids.has(parentId) && parentId !== actor.id
        ? parentId
        : `${process}/${thread}`
    const group = groups.get(parent)
    if (group === undefined) groups.set(parent, [actor])
    else group.push(actor)
  }
  return groups
}

type Growing = {
  readonly childrenByParent: ReadonlyMap<string, readonly ActorTrack[]>
  readonly at: number
  readonly mono: number
  readonly measured: ReadonlyMap<string, Measured>
  readonly closed: ReadonlySet<string>
}

/** Parents that name each other in a circle are never reached from a thread. */
function addActors(
  actors: readonly ActorTrack[],
  depth: number,
  into: TreeRow[],
  growing: Growing,
): void {
  for (const actor of actors) {
    into.push(actorRow(actor, depth, growing))
    if (growing.closed.has(actor.id)) continue
    addActors(growing.childrenByParent.get(actor.id) ?? [], depth + 1, into, growing)
  }
}

function processRow(history: History, process: string, at: number): TreeRow {
  const isOver = history.hasEnded(process, at)
  const figures = history.figures(process, at)?.message
  const memory = figures === undefined ? '' : `${Math.round(figures.residentMb)} MB`
  const state = isOver ? 'ended' : memory
  return {
    key: process,
    kind: 'process',
    depth: 0,
    label: `process ${visible(process.split('.')[0] ?? process)}`,
    state,
    shortState: state,
    mailbox: null,
    restarts: 0,
    ageMs: null,
    isOver,
    isTroubled: false,
    isMachine: false,
  }
}

function threadRow(
  process: string,
  thread: string,
  entry: Entry<MessageOf<'kittiwake.figures'>> | undefined,
  mono: number,
  isOver: boolean,
): TreeRow {
  const told = entry?.message.threads.find((one) => one.thread === thread)
  const since = entry === undefined ? 0 : mono - entry.message.mono
  const state = isOver ? 'ended' : (told?.state ?? '')
  return {
    key: `${process}/${thread}`,
    kind: 'thread',
    depth: 1,
    label: `${visible(thread)} thread`,
    state: visible(state),
    shortState: visible(state),
    mailbox: told?.unanswered ?? null,
    restarts: told?.restarts ?? 0,
    ageMs: told === undefined || told.ageMs === 0 ? null : told.ageMs + since,
    isOver,
    isTroubled: TROUBLED.test(state),
    isMachine: false,
  }
}

function actorRow(actor: ActorTrack, depth: number, { at, mono, measured }: Growing): TreeRow {
  const moment = actor.moment(at)
  const { name, kind } = actor.first.message
  const figures = measured.get(actor.id)
  const isOver = !actor.isThere(at)
  const state =
    moment === null
      ? ''
      : stateText(moment.value) || (kind === 'machine' || isOver ? moment.status : '')
  return {
    key: actor.id,
    kind: 'actor',
    depth,
    label: visible(name),
    state: visible(state),
    shortState: visible(leafText(moment?.value) || state),
    mailbox: figures?.mailbox ?? null,
    restarts: figures?.restarts ?? 0,
    ageMs: mono - actor.first.message.mono,
    isOver,
    isTroubled: !isOver && TROUBLED.test(state),
    isMachine: kind === 'machine',
  }
}

function measuredOf(
  entry: Entry<MessageOf<'kittiwake.figures'>> | undefined,
): ReadonlyMap<string, Measured> {
  const actors: Figures['actors'] = entry?.message.actors ?? []
  return new Map(actors.map((one) => [one.sessionId, one]))
}
