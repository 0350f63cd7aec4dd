// What must hold once all is quiet, judged from what was acknowledged, what the hub has and what went over the wire.

/** Said of a hub's row of a period in which nothing was to leave. */
const OUT = /period-\d+-out/

/**
 * What is wrong; empty is good. `projects` as the world knows them; `acknowledged` holds `events` and `commits`, each
 * `{ project, id, period }`; `hub` holds `events` in their order, `{ event_id, project_uuid, node_id, lamport_clock, body }`, and
 * `commits`, `{ project_uuid, git_hash }`.
 */
export function faultsOf({ projects, acknowledged, hub }) {
  const byUuid = new Map(projects.map((project) => [project.uuid, project]))
  const events = hub.events.map((row) => ({ project: row.project_uuid, id: row.event_id }))
  const commits = hub.commits.map((row) => ({ project: row.project_uuid, id: row.git_hash }))
  return [
    ...arrivals('event', { byUuid, acknowledged: acknowledged.events, arrived: events }),
    ...arrivals('commit', { byUuid, acknowledged: acknowledged.commits, arrived: commits }),
    ...disorder(hub.events),
    ...hub.events.flatMap((row) => foreign(row, byUuid, projects)),
  ]
}

/** Once where there is consent, not at all where there was none; what was pending when it was withdrawn may be either. */
function arrivals(kind, { byUuid, acknowledged, arrived }) {
  const counts = new Map()
  for (const { project, id } of arrived) {
    const key = `${project} ${id}`
    counts.set(key, 1 + (counts.get(key) ?? 0))
  }
  const doubled = [...counts]
    .filter(([, count]) => count > 1)
    .map(([key]) => `${kind} twice: ${key}`)
  const wrong = acknowledged.flatMap(({ project, id, period }) => {
    const count = counts.get(`${project} ${id}`) ?? 0
    const must = mustArrive(byUuid.get(project), period)
    const where = `${byUuid.get(project).name} ${period ?? ''} ${id}`
    if (must === true && count === 0) return [`${kind} lost: ${where}`]
    // A commit tells nothing of what was recorded, and lies on a branch whose later ones may travel.
    return must === false && count > 0 && kind === 'event' ? [`${kind} leaked: ${where}`] : []
  })
  return [...doubled, ...wrong]
}

/** Null where either is right. */
function mustArrive({ consent, period: last }, period) {
  if (consent !== 'changing') return consent === 'granted'
  if (OUT.test(period)) return false
  return period === last ? true : null
}

function disorder(events) {
  const last = new Map()
  return events.flatMap(({ event_id, project_uuid, node_id, lamport_clock }) => {
    const node = `${project_uuid} ${node_id}`
    const before = last.get(node) ?? -1
    last.set(node, lamport_clock)
    return lamport_clock > before
      ? []
      : [`out of order: ${event_id}, ${lamport_clock} after ${before}`]
  })
}

function foreign({ event_id, project_uuid, body }, byUuid, projects) {
  const project = byUuid.get(project_uuid)
  if (project === undefined) return [`of nobody's project: ${event_id}`]
  const others = projects.filter((other) => other !== project && body.includes(other.canary))
  return [
    ...(project.consent === 'never' ? [`without consent: ${event_id}`] : []),
    ...(OUT.test(body) ? [`recorded while consent was withdrawn: ${event_id}`] : []),
    ...others.map(({ name }) => `of ${name} in another project: ${event_id}`),
  ]
}

/** Bounds of memory in MiB that are passed. */
export function memoryFaults(peaks) {
  const bounds = { background: 150, hub: 256 }
  return Object.entries(bounds)
    .filter(([kind, most]) => (peaks[kind] ?? 0) > most)
    .map(([kind, most]) => `${kind} took ${peaks[kind]} MiB, at most ${most} are allowed`)
}
