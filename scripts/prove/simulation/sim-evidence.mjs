// A simulated world before the judges: what was promised in it, and what came of that.
import { judge } from '../invariants.mjs'
import { isPoison } from './sim-hub.mjs'

const NONE = { rows: [], branch: [] }

/** What is wrong with what was delivered and with the ledger, once all is quiet; empty is good. */
export function faultsOf(world) {
  return [...judge(deliveryOf(world)).faults, ...judge(ledgerOf(world)).faults, ...again(world)]
}

/** The link is up, and whatever may leave has left. */
export function isDelivered({ process, hub, repository, outbox }) {
  const isBehind = hub.commits.length < repository.commits.length
  if (process.control.state !== 'live' || isBehind) return false
  return outbox.outgoing(nameOf(hub), 1).length === 0
}

export function undeliveredOf({ process, outbox, hub }) {
  const { state } = process.control
  const left = outbox.outgoing(nameOf(hub), 1_000).length
  const isUntold = state === 'live' && !outbox.isLive
  return [
    ...(state === 'live' ? [] : [`the link is ${state} in the end`]),
    ...(isUntold ? ['nobody is told that the link is live'] : []),
    ...(left === 0 ? [] : [`${left} events are still to go`]),
  ]
}

/** A commit whose reason may pass by itself is made by itself. */
export function unhealedOf({ met, repository, people, process }) {
  // What the next try met may be a reason that waits for the user.
  if (met.has('F21 commit')) return []
  const rows = new Map(repository.rows.map((row) => [row.event_id, row]))
  return people.answers
    .filter((answer) => answer.process === process && answer.reason === 'index_locked')
    .filter(({ event_id }) => rows.get(event_id)?.commit === null)
    .map(({ event_id }) => `I8: ${event_id} was deferred for a lock that is gone`)
}

function nameOf(hub) {
  return `a login ${hub.epoch}`
}

function deliveryOf({ people, repository, hub, identity, undelivered, isConsentChanging }) {
  const { uuid, canary } = identity
  const consent = isConsentChanging ? 'changing' : 'granted'
  const project = { name: 'simulated', uuid, consent, canary, period: people.periodName }
  const events = people.acknowledged.filter(({ id }) => !isPoison(id))
  const commits = repository.commits.map((id) => ({ id, project: uuid, period: project.period }))
  const frames = {
    commits: repository.commits,
    pending: hub.commits.map(({ git_hash }) => git_hash),
  }
  return { projects: [project], acknowledged: { events, commits }, hub, undelivered, frames }
}

function ledgerOf({ repository, people }) {
  const { rows } = repository
  const branch = rows.filter(({ commit }) => commit !== null)
  const byId = new Map(rows.map((row) => [row.event_id, row]))
  const reported = people.answers
    .filter(({ commit }) => commit !== null)
    .map(({ commit, event_id }) => ({
      commit,
      what: event_id,
      isReachable: repository.commits.includes(commit),
      isHeld: byId.get(event_id)?.commit === commit,
    }))
  const acknowledged = people.answers.map(({ event_id, commit }) => {
    return { event_id, says: 'yes', commit, path: null }
  })
  return {
    acknowledged,
    logs: { decisions: { rows, branch }, status: NONE, glossary: NONE },
    queued: [],
    reported,
    commits: repository.commits.map((hash) => commitOf(rows.filter((row) => row.commit === hash))),
  }
}

function commitOf(rows) {
  return { isOurs: true, isOneThing: true, files: '', lines: [], rows }
}

/** Where nothing was lost of what a thread or a disk holds, nothing is sent that was known to be accepted. */
function again({ met, hub }) {
  const isExcused = [...met.keys()].some((one) => /^F0[15679]/.test(one))
  const sent = isExcused ? [] : hub.again.map((id) => `I14: ${id} is sent again`)
  return [...sent, ...hub.againConfirmed.map((id) => `I14: ${id} is sent again to who has it`)]
}
