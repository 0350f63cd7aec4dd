/**
 * Which mission an event belongs to. Some payloads name it by id, some by slug; where an event says both, or where the
 * envelope's aggregate is that of one id and of one slug only, the two are one mission.
 */
import { STATUS_TYPE } from './status.ts'
import type { Input } from './types.ts'
import { entry, textOf } from './values.ts'

type Names = { readonly ids: Set<string>; readonly slugs: Set<string> }

/** The id where it is known, else the slug; null where neither payload nor aggregate tells. */
export function missionKeys(events: readonly Input[]): readonly (string | null)[] {
  const byAggregate = namesByAggregate(events)
  const idBySlug = idsBySlug(events, byAggregate)
  return events.map((event) => {
    const id = textOf(event.payload, 'mission_id')
    if (id !== '') return id
    const slug = textOf(event.payload, 'mission_slug') || only(namesOf(event, byAggregate)?.slugs)
    if (slug === null) return only(namesOf(event, byAggregate)?.ids)
    return idBySlug.get(scoped(event, slug)) ?? slug
  })
}

/** What the events of an aggregate say of its mission. */
function namesByAggregate(events: readonly Input[]): ReadonlyMap<string, Names> {
  const byAggregate = new Map<string, Names>()
  for (const event of events) {
    // A work package's own aggregate says nothing of its mission.
    if (event.event_type === STATUS_TYPE) continue
    const names = entry(byAggregate, scoped(event, event.aggregate_id), newNames)
    const id = textOf(event.payload, 'mission_id')
    const slug = textOf(event.payload, 'mission_slug')
    if (id !== '') names.ids.add(id)
    if (slug !== '') names.slugs.add(slug)
  }
  return byAggregate
}

/** The slugs that are known to be of one id. */
function idsBySlug(
  events: readonly Input[],
  byAggregate: ReadonlyMap<string, Names>,
): ReadonlyMap<string, string> {
  const found = new Map<string, Set<string>>()
  for (const event of events) {
    const slug = textOf(event.payload, 'mission_slug')
    if (slug === '') continue
    const names = event.event_type === STATUS_TYPE ? undefined : namesOf(event, byAggregate)
    const shared = only(names?.slugs) === slug ? only(names?.ids) : null
    const id = textOf(event.payload, 'mission_id') || shared
    if (id !== null) entry(found, scoped(event, slug), () => new Set()).add(id)
  }
  const links = [...found].flatMap(([slug, ids]): (readonly [string, string])[] => {
    const id = only(ids)
    return id === null ? [] : [[slug, id]]
  })
  return new Map(links)
}

function namesOf(event: Input, byAggregate: ReadonlyMap<string, Names>): Names | undefined {
  return byAggregate.get(scoped(event, event.aggregate_id))
}

/** The one member of a set, where there is just one. */
function only(names: ReadonlySet<string> | undefined): string | null {
  const [first] = names ?? []
  return names?.size === 1 && first !== undefined ? first : null
}

function newNames(): Names {
  return { ids: new Set(), slugs: new Set() }
}

/** Slugs and aggregates are names within a project only. */
function scoped({ project_uuid }: Input, name: string): string {
  return `${project_uuid ?? ''}\n${name}`
}
