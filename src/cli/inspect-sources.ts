/** What `kittiwake inspect` can look at: the background process, a trace, or a runtime of its own. */
import { basename, join, resolve } from 'node:path'
import { existsSync } from 'node:fs'
import { unresponsive } from '../background/end.ts'
import { BackgroundFollower } from '../background/inspect-client.ts'
import { findBackground } from '../background/find.ts'
import { type Places, placesOf } from '../background/places.ts'
import type { ControlStatus } from '../background/protocol.ts'
import { type Entry, entryNames, readEntry } from '../background/registry.ts'
import { InputError } from '../errors.ts'
import { readEventFate } from '../event-fate.ts'
import { Feed } from '../inspect/feed.ts'
import { flightFolder } from '../inspect/flight-recorder.ts'
import type { EventFate } from '../inspect/client-protocol.ts'
import type { TraceHeader } from '../inspect/protocol.ts'
import { openTrace } from '../inspect/trace-file.ts'
import { identityOrNull } from '../project/identity.ts'
import { locateRepository } from '../project/git/locate.ts'
import type { Runtime } from '../runtime.ts'

export type Source = {
  readonly feed: Feed
  readonly trace: TraceHeader | null
  readonly fate: ((eventId: string) => Promise<EventFate>) | null
  readonly send: ((sessionId: string, event: { readonly type: string }) => void) | null
  /** Nothing is told until there is something to send. */
  readonly isResting: boolean
  readonly close: () => void
}

/** A file, or the name of one that the flight recorder has written. @throws InputError TRACE_… */
export function traceSource(name: string, cwd: string, state: string): Source {
  const file = resolve(cwd, name)
  const kept = join(flightFolder(state), name)
  const isKept = !existsSync(file) && basename(name) === name && existsSync(kept)
  const { header, feed } = openTrace(isKept ? kept : file)
  return {
    feed,
    trace: header,
    fate: null,
    send: null,
    isResting: false,
    close: () => undefined,
  }
}

export async function runtimeSource(
  runtime: Runtime,
  root: string,
  state: string,
  allowSend: boolean,
): Promise<Source> {
  const feed = new Feed()
  const repository = await locateRepository(root)
  const following = await runtime.follow((message) => feed.tell(message))
  return {
    feed,
    trace: null,
    fate: (eventId) => readEventFate(repository, state, eventId),
    send: allowSend ? following.send : null,
    isResting: false,
    close: following.stop,
  }
}

/**
 * `wanted`: a project (its uuid, the first digits of it, or a folder of it), the process's pid, or null for the project around
 * `cwd`. Null where that one isn't held by any background process.
 *
 * @throws InputError BACKGROUND_NOT_RUNNING, ATTACH_UNKNOWN; RuntimeError BACKGROUND_UNRESPONSIVE
 */
export async function backgroundSource(
  wanted: string | null,
  cwd: string,
  state: string,
  allowSend: boolean,
): Promise<Source | null> {
  const places = placesOf(state)
  const found = await findBackground(places)
  if (found.state !== 'running') {
    if (wanted === null) return null
    if (found.state === 'unresponsive') throw unresponsive(found)
    throw new InputError('BACKGROUND_NOT_RUNNING', 'no background process can be looked at', {
      hint: 'Start it with `kittiwake sync start`, or leave out --attach.',
    })
  }
  const project = await projectOf(wanted, cwd, found.status)
  if (project === undefined) {
    if (wanted === null) return null
    throw new InputError(
      'ATTACH_UNKNOWN',
      'the background process is not that, and has no such project',
      {
        hint: 'Name a project that `kittiwake sync status` shows, a folder of it, or the process.',
      },
    )
  }
  const feed = new Feed()
  const follower = new BackgroundFollower(places, { project, send: allowSend }, (message) =>
    feed.tell(message),
  )
  return {
    feed,
    trace: null,
    fate: (eventId) => fateIn(entriesOf(places, project), state, eventId),
    send: allowSend ? (sessionId, event) => follower.send(sessionId, event) : null,
    isResting: found.status.projects
      .filter((one) => project === null || one.project === project)
      .every(({ state }) => state === 'resting'),
    close: () => follower.stop(),
  }
}

/** Null: all projects. Undefined: there is no such one. */
async function projectOf(
  wanted: string | null,
  cwd: string,
  { pid, projects }: ControlStatus,
): Promise<string | null | undefined> {
  if (wanted === String(pid)) return null
  const known = projects.map(({ project }) => project)
  const uuid = await uuidAt(wanted === null ? cwd : resolve(cwd, wanted))
  if (uuid !== null) return known.includes(uuid) ? uuid : undefined
  const matching = known.filter((project) => wanted !== null && project.startsWith(wanted))
  return matching.length === 1 && wanted !== '' ? matching[0] : undefined
}

async function uuidAt(folder: string): Promise<string | null> {
  try {
    return (await identityOrNull(await locateRepository(folder)))?.uuid ?? null
  } catch {
    return null
  }
}

function entriesOf({ projects }: Places, project: string | null): readonly Entry[] {
  return entryNames(projects)
    .flatMap((name) => readEntry(join(projects, name)) ?? [])
    .filter(({ uuid }) => project === null || uuid === project)
}

/** Whichever project knows the event. */
async function fateIn(
  entries: readonly Entry[],
  state: string,
  eventId: string,
): Promise<EventFate> {
  let fate: EventFate = { eventId, state: 'absent', obstacle: 'not_in_outbox' }
  for (const { root } of entries) {
    fate = await readEventFate(await locateRepository(root), state, eventId)
    if (fate.state !== 'absent') return fate
  }
  return fate
}
