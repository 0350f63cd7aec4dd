// The invariants by number, as functions over evidence: whatever puts the program through trouble collects evidence and has
// it judged here. What no run collects evidence of is held by the tests that are named.
import * as delivery from './judge-delivery.mjs'
import * as ledger from './judge-ledger.mjs'
import * as process from './judge-process.mjs'
import * as repository from './judge-repository.mjs'

/**
 * By number: what must be true; `needs` names the evidence of each of its judges. A number can have two, as the outbox and
 * the hub are looked at by different runs. `tests` says who holds it beside or instead of them.
 */
export const INVARIANTS = {
  I1: must('nothing acknowledged is lost', [
    [delivery.lost, 'projects', 'acknowledged', 'hub'],
    [ledger.lostRows, 'acknowledged', 'logs', 'queued'],
  ]),
  I2: must('no outcome is silent', [[outcomes, 'outcomes']]),
  I3: must('everything is there once', [
    [delivery.doubled, 'hub'],
    [ledger.queue, 'logs', 'queued'],
  ]),
  I4: must('what is derived or stored says what was recorded', [
    [repository.staleFiles, 'derived'],
    [repository.ownWord, 'verdicts'],
  ]),
  I5: must('every line is whole, and none is taken away', [
    [ledger.brokenLines, 'logs', 'commits'],
  ]),
  I6: must('a row stands once', [[ledger.doubledRows, 'logs', 'commits']]),
  I7: must('the repository is never corrupt', [[repository.corrupt, 'git']]),
  I8: must('what was answered is committed', [[ledger.uncommitted, 'logs', 'reported']]),
  I9: must("no commit falls out of a branch's history", [
    [repository.brokenReflogs, 'git'],
    [repository.cutReflogs, 'cut'],
  ]),
  I10: must('a commit is of our paths alone', [[repository.uncleanCommits, 'git', 'commits']]),
  I11: must('the clock of a node only rises', [[delivery.disorder, 'hub']]),
  I12: by('a fault in one part leaves the others working', 'journeys/bad-input'),
  I13: must('no lock or unfinished file stays', [[repository.leftBehind, 'disk']]),
  I14: by('only the right acknowledgement settles', 'workers/socket/link-faults'),
  I15: by('a wrong acknowledgement changes nothing', 'workers/socket/link-faults'),
  I16: must('no frame of a commit is lost', [[repository.lostFrames, 'frames']]),
  I17: must('frames are in the order of the branch', [[repository.lostFrames, 'frames']]),
  I18: by('what was amended is superseded', 'workers/git/native-histories'),
  I19: by('what is pending exists', 'workers/git/native-histories'),
  I20: must('no project takes what is of another', [[delivery.foreign, 'projects', 'hub']]),
  I21: by('waits are monotonic', 'actors/connection'),
  I22: must('everything is delivered once all is well', [[undelivered, 'undelivered']]),
  I23: by('the hub takes each event once', 'hub/robustness'),
  I24: must('what the hub took stays', [[delivery.lost, 'projects', 'acknowledged', 'hub']]),
  I25: must('memory is bounded', [[delivery.memory, 'peaks']]),
  I26: by('every input has a typed end', 'contracts/frames'),
  I27: must('one identity', [[delivery.foreign, 'projects', 'hub']]),
  I28: by('no secret but in its file', 'journeys/private'),
  I29: must('no personal byte leaves or is stored', [[delivery.personal, 'heard']]),
  I30: must('nothing leaves without consent', [
    [delivery.leaked, 'projects', 'acknowledged', 'hub'],
  ]),
  I31: by('a dead thread is replaced', 'journeys/threads'),
  I32: must('restarts are bounded', [[process.restless, 'starts']]),
  // Of the user's own thread: a command that ends by itself has nobody else on its loop, so no sweep collects it.
  I33: must('the event loop stays free', [[process.heldUp, 'delays']]),
  I34: by('a process ends when it is told to', 'journeys/interrupt'),
  I35: by('unknown fields are kept', 'workers/git/append-log'),
  I36: must('a seed is one trace', [[process.strayed, 'traces']]),
  I37: by('where an event goes is decided by a table', 'events/route'),
  I38: by('teams see nothing of each other', 'hub/robustness'),
  I39: by('a terminal gets no control characters', 'cli/input'),
  I40: by('only our own paths are written', 'project/protection'),
}

/**
 * Judges all that the evidence allows.
 *
 * @returns `judged`, the numbers that were, and `faults`, each with its number before it; one fault of two numbers counts
 * for the first
 */
export function judge(evidence) {
  const judged = []
  const faults = new Map()
  for (const [number, { judges }] of Object.entries(INVARIANTS)) {
    const able = judges.filter(([, ...needs]) => needs.every((name) => hasKind(evidence, name)))
    if (able.length > 0) judged.push(number)
    for (const fault of able.flatMap(([work]) => work(evidence))) {
      if (!faults.has(fault)) faults.set(fault, number)
    }
  }
  return { judged, faults: [...faults].map(([fault, number]) => `${number}: ${fault}`) }
}

/** What was acknowledged is of one shape at the hub and of another in a project. */
function hasKind(evidence, name) {
  if (name !== 'acknowledged' || evidence[name] === undefined) return evidence[name] !== undefined
  return Array.isArray(evidence.acknowledged) === (evidence.logs !== undefined)
}

/** Ends of commands that were no known ones. */
function outcomes({ outcomes }) {
  return outcomes
}

/** What the last try to deliver said. */
function undelivered({ undelivered }) {
  return undelivered
}

function must(title, judges) {
  return { title, judges, tests: null }
}

/** Held by a test file alone. */
function by(title, name) {
  return { title, judges: [], tests: `test/${name}.test.ts` }
}
