/** What the query of a request asks for; whatever it holds gives a value or a `RequestFault`. */
import { UUID_V4_PATTERN } from '../../contracts/event.ts'
import { PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX } from '../limits.ts'
import { RequestFault } from './request-body.ts'
import type { Visit } from './visit.ts'
import type { Project } from '../data/stored.ts'

const TEXT_LENGTH_MAX = 256

/** The project that is asked for. Another team's is answered as one that nobody has. */
export function projectOf({
  desk,
  session,
  query,
}: Visit): Project & { readonly project_uuid: string } {
  const project_uuid = projectUuidIn(query)
  const project = desk.store.project(session.team, project_uuid)
  if (project !== null) return { ...project, project_uuid }
  throw new RequestFault(404, 'NOT_FOUND', 'your team has no such project here')
}

function projectUuidIn(query: URLSearchParams): string {
  const project = only(query, 'project_uuid')
  if (project === null || !UUID_V4_PATTERN.test(project)) {
    throw new RequestFault(400, 'BAD_REQUEST', 'project_uuid is expected: a lower-case v4 UUID')
  }
  return project
}

/** Which rows of a list. */
export function stretchIn(query: URLSearchParams): { after: number; limit: number } {
  const cursor = { min: 0, max: Number.MAX_SAFE_INTEGER, fallback: 0 }
  return { after: numberIn(query, 'after', cursor), limit: limitIn(query, PAGE_ROWS_DEFAULT) }
}

export function limitIn(query: URLSearchParams, fallback: number): number {
  return numberIn(query, 'limit', { min: 1, max: PAGE_ROWS_MAX, fallback })
}

/** Before which place; the end where none is named. */
export function beforeIn(query: URLSearchParams): number {
  const max = Number.MAX_SAFE_INTEGER
  return numberIn(query, 'before', { min: 1, max, fallback: max })
}

function numberIn(
  query: URLSearchParams,
  name: string,
  { min, max, fallback }: { readonly min: number; readonly max: number; readonly fallback: number },
): number {
  const text = only(query, name)
  if (text === null) return fallback
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw new RequestFault(400, 'BAD_REQUEST', `${name} is expected between ${min} and ${max}`)
}

/** Null where it is not there or empty. */
export function textIn(query: URLSearchParams, name: string): string | null {
  const text = only(query, name)
  if (text === null || text.length <= TEXT_LENGTH_MAX) return text === '' ? null : text
  const message = `${name} is expected with at most ${TEXT_LENGTH_MAX} characters`
  throw new RequestFault(400, 'BAD_REQUEST', message)
}

function only(query: URLSearchParams, name: string): string | null {
  const values = query.getAll(name)
  if (values.length > 1) throw new RequestFault(400, 'BAD_REQUEST', `${name} is there twice`)
  return values[0] ?? null
}
