/** What the hub holds of a project, page by page. */
import { projectOf, stretchIn } from './query.ts'
import type { Visit } from './visit.ts'
import type { Collection, Page, Row } from '../data/stored.ts'

export function listEvents(visit: Visit): string {
  const page = pageOf(visit, 'events')
  return listing('events', page, ({ body }) => `"event":${body}`)
}

export function listCommits(visit: Visit): string {
  const page = pageOf(visit, 'commits')
  return listing(
    'commits',
    page,
    ({ body, pushed_at, user }) =>
      `"local_only":${pushed_at === null},"user":${JSON.stringify(user)},"commit":${body}`,
  )
}

function pageOf(visit: Visit, collection: Collection): Page {
  const stretch = stretchIn(visit.query)
  const { project_id } = projectOf(visit)
  return visit.desk.store.page(collection, { project_id, ...stretch })
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
