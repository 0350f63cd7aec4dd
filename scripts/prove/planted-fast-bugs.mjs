// Bugs in what was made fast, and in the log that hubs share, as data; see planted-bugs.mjs.
import { bug } from './planted-bug.mjs'

export const FAST_BUGS = {
  'a batch overtakes the one before it': bug('emitter', [
    ['tail = tail.then(() => append(batch)).then(', 'void append(batch).then('],
  ]),
  'batches without an answer have no end': bug('emitter', [
    ['waiting.length > 0 && underWay < BATCHES_MAX', 'waiting.length > 0'],
  ]),
  'one event spoils its whole batch': bug('emitter', [
    ['if (stamped.length === 1 || !concernsOneEvent(error))', 'if (stamped.length > 0)'],
  ]),
  'what was stamped before init is never stamped anew': bug('emitter', [
    ['if (!again && isForeign(error))', 'if (again && isForeign(error))'],
  ]),
  'a thread that was made ahead is handed out twice': bug('actors/spawn', [
    ['warm.delete(url.href);', ''],
  ]),
  'a thread that died ahead of its work is handed out': bug('actors/spawn', [
    ["spawned.worker.on('error', forget).on('exit', forget).unref();", 'spawned.worker.unref();'],
  ]),
  'threads that nobody asked for live on': bug('actors/spawn', [
    ['begin(heart, NEVER);', 'void heart;'],
  ]),
  'keys that are numbers are left to the engine': bug('contracts/json', [
    ["return (unit >= 48 && unit <= 57) || key === '__proto__';", "return key === '__proto__';"],
  ]),
  'keys are written as they stand': bug('contracts/json', [
    ['const isInOrder = isAscending(keys);', 'const isInOrder = true;'],
  ]),
  'characters above the surrogates are left to the engine': bug('contracts/json', [
    ['if (text !== undefined && !HIGH_UNITS.test(text))', 'if (text !== undefined)'],
  ]),
  'what is clean for one identity is clean for all': bug('events/sanitize', [
    ['field === PLAIN_FIELD || this.#inText ||', 'this.#inText ||'],
  ]),
  'what is clean within a text is clean anywhere': bug('events/sanitize', [
    ['field === PLAIN_FIELD || this.#inText ||', 'field === PLAIN_FIELD ||'],
  ]),
  'what is remembered as clean has no length': bug('events/sanitize', [
    ['this.#grow(field.lastClean.width + 3);', ''],
  ]),
  'a plain envelope may be of no time': bug('contracts/envelope', [
    ['(isPlainTime(timestamp) || isDateTime(timestamp)) &&', ''],
  ]),
  'a plain envelope may have a clock that runs back': bug('contracts/envelope', [
    [
      'Number.isSafeInteger(lamport_clock) && lamport_clock >= 0 && typeof timestamp',
      'Number.isSafeInteger(lamport_clock) && typeof timestamp',
    ],
  ]),
  'a plain envelope may have any cause': bug('contracts/envelope', [
    ['(isAbsent(causation_id) || isId(causation_id)) &&', ''],
  ]),
  'the route of one event is that of the next': bug('actors/route', [
    ['const way = `${hasIdentity} ${isConnected}`;', 'const way = `${hasIdentity}`;'],
  ]),
  'an id is drawn from bytes that were used': bug('events/new-id', [['randomFillSync(pool);', '']]),
  'what a server lost of the shared log stays lost': bug('hub/nats/backend', [
    ['if (common === seq) return', 'if (common <= seq) return'],
  ]),
  'what a server lost of the shared log comes back at the end': bug('hub/nats/backend', [
    ['if (isCut && (await restore(nats, copy, common)))', 'if (isCut && false)'],
  ]),
  'a commit is put behind one that its hub has not seen': bug('hub/nats/backend', [
    ['const expect = isOrdered(subject)', 'const expect = false'],
  ]),
  'a hub that follows passes over what a base stands for': bug('hub/nats/retention', [
    ['if (head !== null && head.place.seq > after)', 'if (false)'],
  ]),
  'a message that went into a base is waited for': bug('hub/nats/retention', [
    ['if (duplicate && follower.isAt(seq) && own.outcomes === null)', 'if (false)'],
  ]),
  'a base takes the place of what it lacks': bug('hub/nats/retention', [
    ['const { isWithin } = await sayLost(nats, copy, path);', 'const isWithin = true;'],
  ]),
  'a base that a server has lost is not made again': bug('hub/nats/retention', [
    ['if (isBaseLost && (common === seq || isCut))', 'if (false)'],
  ]),
  'a base holds what was deleted while it was made': bug('hub/nats/retention', [
    ['if (deletion <= made.place.seq)', 'if (true)'],
  ]),
  'a hub that was away brings back what was deleted': bug('hub/nats/retention', [
    ['const gone = [...deleted, ...(await deletedSince(nats, held.log))];', 'const gone = [];'],
  ]),
  'what is emptied stays in the messages that a hub keeps': bug('hub/nats/retention', [
    ['this.log.forgetThrough(place.seq);', ''],
  ]),
  'what the log said is left out and not overwritten': bug('hub/nats/retention', [
    [
      'await manager.streams.deleteMessage(stream, seq, true);',
      'await manager.streams.deleteMessage(stream, seq, false);',
    ],
  ]),
}
