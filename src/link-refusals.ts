/** What is said where a link can not be, or not be whole: what is missing, and what to do. */
import type { WorkerName } from './actors/worker.machine.ts'
import { type ErrorOnWire, LinkError, RuntimeError } from './errors.ts'

export function noConsent(): LinkError {
  return new LinkError('NO_CONSENT', 'this project has not consented to leave the machine', {
    hint: 'Run `kittiwake sync opt-in`.',
  })
}

export function notAuthenticated(): LinkError {
  return new LinkError('NOT_AUTHENTICATED', 'no usable login is stored', {
    hint: 'Run `kittiwake auth login --hub URL --token-file FILE`.',
  })
}

export function linkHeld(): LinkError {
  return new LinkError('LINK_HELD', 'another process holds the link of this project', {
    hint: 'It delivers what is queued here; see `kittiwake sync status`.',
    retryable: true,
  })
}

export function workerFailed(name: WorkerName): RuntimeError {
  return new RuntimeError('WORKER_FAILED', `the ${name} worker failed too often`, {
    hint: 'What is queued stays queued. Create a new runtime, or run the command again.',
  })
}

/** Of events nothing is held up. */
export function ledgerWarning({ code, message, hint }: ErrorOnWire): {
  code: string
  message: string
} {
  const found = `commits wait while the ledger can not be used (${code}: ${message}); events do not.`
  return { code: 'LEDGER_UNAVAILABLE', message: hint === null ? found : `${found} ${hint}` }
}
