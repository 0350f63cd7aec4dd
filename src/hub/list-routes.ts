/** What the hub holds of a project, page by page. */
import { UUID_V4_PATTERN } from '../contracts/event.ts'
import { PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX } from './limits.ts'
import { RequestFault } from './request-body.ts'
import type { Visit } from './routes.ts'
import type { Collection, Page, Project, Row } from './store.ts'

export function listEvents(visit: Visit): string {
  const page = pageOf(visit, 'events')
  return listing('events', page, ({ body }) => `"event":${body}`)
}

export function listCommits(visit: Visit): string {
  const page = pageOf(visit, 'commits')
  return listing(
    'commits',
    page,
    ({ body, pushed_at }) => `"local_only":${pushed_at === null},"commit":${body}`,
  )
}

function pageOf({ desk, session, query }: Visit, collection: Collection): Page {
  const project_uuid = projectUuidIn(query)
  const after = numberIn(query, 'after', 0, Number.MAX_SAFE_INTEGER, 0)
  const limit = numberIn(query, 'limit', 1, PAGE_ROWS_MAX, PAGE_ROWS_DEFAULT)
  const { project_id } = found(desk.store.project(session.team, project_uuid))
  return desk.store.page(collection, { project_id, after, limit })
}

// The rows are put together as text: they are the very bytes that their writers sent.
function listing(collection: Collection, page: Page, content: (row: Row) => string): string {
  const rows = page.rows.map((row) => {
    const at = new Date(row.received_at).toISOString()
    return `{"seq":${row.seq},"received_at":"${at}",${content(row)}}`
  })
  const damaged = page.damaged.length > 0 ? `,"damaged":${JSON.stringify(page.damaged)}` : ''
  return `{"${collection}":[${rows.join(',')}],"next":${page.next}${damaged}}`
}

// Another team's project is answered as one that nobody has.
function found(project: Project | null): Project {
  if (project !== null) return project
  throw new RequestFault(404, 'NOT_FOUND', 'your team has no such project here')
}

function projectUuidIn(query: URLSearchParams): string {
  const project = only(query, 'project_uuid')
  if (project === null || !UUID_V4_PATTERN.test(project)) {
    throw new RequestFault(400, 'BAD_REQUEST', 'project_uuid is expected: a lower-case v4 UUID')
  }
  return project
}

function numberIn(
  query: URLSearchParams,
  name: string,
  min: number,
  max: number,
  fallback: number,
): number {
  const text = only(query, name)
  if (text === null) return fallback
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw new RequestFault(400, 'BAD_REQUEST', `${name} is expected between ${min} and ${max}`)
}

function only(query: URLSearchParams, name: string): string | null {
  const values = query.getAll(name)
  if (values.length > 1) throw new RequestFault(400, 'BAD_REQUEST', `${name} is there twice`)
  return values[0] ?? null
}
