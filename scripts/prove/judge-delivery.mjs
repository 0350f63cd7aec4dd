// What must be true of what was acknowledged, what the hub has and what went over the wire. Each judge answers its faults.

/** Said of an event of a period in which nothing was to leave. */
const OUT = /period-\d+-out/
/** MiB. */
const MEMORY_MAX = { background: 150, hub: 256 }

/** Once everything is delivered, what was acknowledged with consent is at the hub. */
export function lost(evidence) {
  return eachAcknowledged(evidence, ({ kind, project, period, id, count }) => {
    const isLost = mustArrive(project, period) === true && count === 0
    return isLost ? [`${kind} lost: ${project.name} ${period ?? ''} ${id}`] : []
  })
}

export function doubled({ hub }) {
  const kinds = { event: eventsOf(hub), commit: commitsOf(hub) }
  return Object.entries(kinds).flatMap(([kind, arrived]) => {
    const twice = [...countsOf(arrived)].filter(([, count]) => count > 1)
    return twice.map(([key]) => `${kind} twice: ${key}`)
  })
}

/** By node in the order of its clock, whatever the wall clock did. */
export function disorder({ hub }) {
  const last = new Map()
  return hub.events.flatMap(({ event_id, project_uuid, node_id, lamport_clock }) => {
    const node = `${project_uuid} ${node_id}`
    const before = last.get(node) ?? -1
    last.set(node, lamport_clock)
    const isLater = lamport_clock > before
    return isLater ? [] : [`out of order: ${event_id}, ${lamport_clock} after ${before}`]
  })
}

/** What is of a project nobody here has, or says what was said in another. */
export function foreign({ hub, projects }) {
  const byUuid = new Map(projects.map((project) => [project.uuid, project]))
  return hub.events.flatMap(({ event_id, project_uuid, body }) => {
    const project = byUuid.get(project_uuid)
    if (project === undefined) return [`of nobody's project: ${event_id}`]
    const others = projects.filter((other) => other !== project && body.includes(other.canary))
    return others.map(({ name }) => `of ${name} in another project: ${event_id}`)
  })
}

/** Without consent nothing leaves; a commit lies on a branch whose later ones may, so that its hash tells nothing. */
export function leaked(evidence) {
  const { hub, projects } = evidence
  const silent = new Set(projects.filter((one) => one.consent === 'never').map(({ uuid }) => uuid))
  const rows = hub.events.flatMap(({ event_id, project_uuid, body }) => [
    ...(silent.has(project_uuid) ? [`without consent: ${event_id}`] : []),
    ...(OUT.test(body) ? [`recorded while consent was withdrawn: ${event_id}`] : []),
  ])
  const said = eachAcknowledged(evidence, ({ kind, project, period, id, count }) => {
    const isLeak = kind === 'event' && mustArrive(project, period) === false && count > 0
    return isLeak ? [`event leaked: ${project.name} ${period ?? ''} ${id}`] : []
  })
  return [...rows, ...said]
}

/** Forbidden words that were heard on the wire or stand in a file; what could not be read counts as heard. */
export function personal({ heard }) {
  return [...new Set(heard)]
}

export function memory({ peaks }) {
  return Object.entries(MEMORY_MAX)
    .filter(([kind, most]) => (peaks[kind] ?? 0) > most)
    .map(([kind, most]) => `${kind} took ${peaks[kind]} MiB, at most ${most} are allowed`)
}

function eachAcknowledged({ projects, acknowledged, hub }, judge) {
  const byUuid = new Map(projects.map((project) => [project.uuid, project]))
  const kinds = [
    ['event', acknowledged.events, countsOf(eventsOf(hub))],
    ['commit', acknowledged.commits, countsOf(commitsOf(hub))],
  ]
  return kinds.flatMap(([kind, said, counts]) =>
    said.flatMap(({ project, id, period }) => {
      const count = counts.get(`${project} ${id}`) ?? 0
      return judge({ kind, project: byUuid.get(project), period, id, count })
    }),
  )
}

/** Null where either is right: what was pending when consent was withdrawn. */
function mustArrive({ consent, period: last }, period) {
  if (consent !== 'changing') return consent === 'granted'
  if (OUT.test(period)) return false
  return period === last ? true : null
}

function eventsOf({ events }) {
  return events.map(({ project_uuid, event_id }) => `${project_uuid} ${event_id}`)
}

function commitsOf({ commits }) {
  return commits.map(({ project_uuid, git_hash }) => `${project_uuid} ${git_hash}`)
}

function countsOf(keys) {
  const counts = new Map()
  for (const key of keys) counts.set(key, 1 + (counts.get(key) ?? 0))
  return counts
}
