/** What the ledger answers where it can't do what it was asked. */
import { GitError, KittiwakeError, systemCode } from '../../../errors.ts'
import { deferralOf } from '../deferral.ts'
import { isReason } from './dirty-journal.ts'
import type { MissionLedger } from './dirty-journal.ts'
import type { Deferral } from '../protocol.ts'

/** The error as the reason why a commit has to wait, or null where it is none. */
export function deferralFrom(ledger: MissionLedger, error: unknown): Deferral | null {
  if (error instanceof KittiwakeError) {
    const named = error.code.toLowerCase()
    const reason = isReason(named) ? named : (deferralOf(error.cause)?.reason ?? null)
    return reason === null ? null : { ...ledger, reason, message: error.message }
  }
  const deferred = deferralOf(error)
  return deferred === null
    ? null
    : { ...ledger, reason: deferred.reason, message: deferred.message }
}

/** For what keeps one mission from being healed: it must not keep the others. @throws what is a bug. */
export function refusalFrom(ledger: MissionLedger, error: unknown): Deferral {
  if (!(error instanceof KittiwakeError)) throw error
  return { ...ledger, reason: 'path_refused', message: error.message }
}

/** The GitError that a failure beneath the ledger stands for; anything else as it is. */
export function gitErrorFrom(error: unknown): unknown {
  const deferred = deferralOf(error)
  if (deferred === null) return error
  return new GitError(deferred.reason.toUpperCase(), deferred.message, {
    hint: 'Do what the message says, then run the command again.',
    cause: error,
    retryable: systemCode(error) !== null,
  })
}

export function unknownDecision(): GitError {
  return new GitError(
    'DECISION_UNKNOWN',
    'No decision with this id was requested in this mission.',
    {
      hint: 'List the decisions of the mission with `kittiwake decision list`.',
    },
  )
}

export function decisionExists(): GitError {
  return new GitError('DECISION_EXISTS', 'A decision with this id has been requested already.', {
    hint: 'Use a fresh decision id, or repeat the request with its own event id.',
  })
}

export function answeredOtherwise(): GitError {
  return new GitError('DECISION_ALREADY_ANSWERED', 'The decision has another answer already.', {
    hint: 'Request a new decision where the answer has to change.',
  })
}

export function eventIdReused(): GitError {
  return new GitError('EVENT_ID_REUSED', 'Another record of this log has the same event id.', {
    hint: 'Use a fresh event id.',
  })
}

export function laneMoved(): GitError {
  return new GitError('LANE_MOVED', 'Somebody else has just moved this work package.', {
    hint: 'Look at it with `kittiwake wp list`, then run the command again.',
    retryable: true,
  })
}

export function recordMisplaced(): GitError {
  return new GitError('RECORD_MISPLACED', 'A record carries the id of the mission it belongs to.', {
    hint: 'Read the mission again and repeat the command.',
  })
}

export function ledgerChanged(): GitError {
  return new GitError('LEDGER_CHANGED', 'Another program wrote to the log meanwhile.', {
    hint: 'Let it finish, then run the command again.',
    retryable: true,
  })
}

export function repairUnproven(): GitError {
  return new GitError('REPAIR_UNPROVEN', 'The repaired log could not be proven to hold the same.', {
    hint: 'Nothing was changed. Report it, with what `status verify --json` and `glossary verify --json` say.',
  })
}

export function ledgerMissing(): GitError {
  return new GitError(
    'LEDGER_MISSING',
    'A log of the mission is on its branch but not in its worktree.',
    {
      hint: 'Restore it in the worktree of the mission with git checkout, then run the command again.',
    },
  )
}
