/**
 * Where the token of a login lies: in its file, in the keyring of the system, or in the kernel's until the machine
 * restarts. The keyring is an optional package; a machine without one, or whose keyring is locked, keeps the file.
 */
import { createHash, randomBytes } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Entry } from '@napi-rs/keyring'
import { LinkError } from '../../errors.ts'

/** `keyring`: of the desktop session, or of the system where it has one for all. `kernel`: Linux, until it restarts. */
export type TokenStore = 'file' | 'keyring' | 'kernel'

const SERVICE = 'kittiwake'
const require = createRequire(import.meta.url)

/** True where the store is there and takes what it is given. */
export function isUsable(store: TokenStore): boolean {
  if (store === 'file') return true
  const probe = `probe ${randomBytes(8).toString('hex')}`
  try {
    return use(store, probe, (entry) => {
      entry.setPassword(probe)
      const isKept = entry.getPassword() === probe
      entry.deletePassword()
      return isKept
    })
  } catch {
    return false
  }
}

/** Keeps a token under a name of its own, which it answers. @throws LinkError TOKEN_STORE_UNUSABLE */
export function keepToken(store: 'keyring' | 'kernel', state: string, token: string): string {
  const name = `${prefixOf(state)}${randomBytes(8).toString('hex')}`
  use(store, name, (entry) => entry.setPassword(token))
  return name
}

/** The token kept under a name; null where it is gone. @throws LinkError TOKEN_STORE_UNUSABLE */
export function findToken(store: 'keyring' | 'kernel', name: string): string | null {
  return use(store, name, (entry) => entry.getPassword())
}

/** Forgets a token; one that is gone is forgotten already. @throws LinkError TOKEN_STORE_UNUSABLE */
export function forgetToken(store: 'keyring' | 'kernel', name: string): void {
  use(store, name, (entry) => {
    if (entry.getPassword() !== null) entry.deletePassword()
  })
}

/** Names of this state directory begin with it, so that two of one user don't meet. */
function prefixOf(state: string): string {
  return `${createHash('sha256').update(realpathSync(state)).digest('hex').slice(0, 16)} `
}

function use<Result>(
  store: 'keyring' | 'kernel',
  name: string,
  work: (entry: Entry) => Result,
): Result {
  try {
    return work(entryOf(store, name))
  } catch {
    // The kernel refuses the first call of a process, by which the library joins its keyring.
    try {
      return work(entryOf(store, name))
    } catch {
      throw unusable(store)
    }
  }
}

function entryOf(store: 'keyring' | 'kernel', name: string): Entry {
  const keyring = require('@napi-rs/keyring') as typeof import('@napi-rs/keyring')
  if (process.platform !== 'linux') {
    if (store === 'kernel') throw unusable(store)
    return new keyring.Entry(SERVICE, name)
  }
  // Named, because it would else fall back to the kernel's, and a login would be gone after a restart.
  const linux = { store: store === 'kernel' ? 'keyutils' : 'secret-service' } as const
  return new keyring.Entry(SERVICE, name, { linux })
}

function unusable(store: TokenStore): LinkError {
  const where = store === 'kernel' ? 'the keyring of the kernel' : 'the keyring of the system'
  return new LinkError('TOKEN_STORE_UNUSABLE', `${where} can't be used here`, {
    hint: 'Unlock it, or log in again with `--token-store file`.',
  })
}
