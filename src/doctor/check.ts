/** What one look came to, and what to do about it. */
import { errorDocument, KittiwakeError } from '../errors.ts'

export type Check = {
  readonly name: string
  /** A note is worth knowing; what failed needs mending. */
  readonly state: 'ok' | 'note' | 'failed'
  readonly detail: string
  /** What to do; null where nothing is to be done. */
  readonly hint: string | null
}

export function ok(name: string, detail: string): Check {
  return { name, state: 'ok', detail, hint: null }
}

export function note(name: string, detail: string, hint: string | null = null): Check {
  return { name, state: 'note', detail, hint }
}

export function failed(name: string, detail: string, hint: string): Check {
  return { name, state: 'failed', detail, hint }
}

/** An error that a look ended with: it says of itself what to do, or it is a bug. */
export function failure(name: string, error: unknown): Check {
  const { message, code, hint } = errorDocument(error).error
  return failed(name, `${message} (${code})`, hint ?? 'Run `kittiwake doctor` again in a moment.')
}

/** Runs one look; its error is an answer too, so that the other looks are taken. */
export async function look(
  name: string,
  work: () => Promise<readonly Check[]>,
): Promise<readonly Check[]> {
  try {
    return await work()
  } catch (error) {
    return [failure(name, error)]
  }
}

export function codeOf(error: unknown): string | null {
  return error instanceof KittiwakeError ? error.code : null
}
