/**
 * The objects of a repository, by one of two implementations of one contract: our own code over git's files, or git's own
 * plumbing. The second is for what the first can't do: SHA-256, and signatures.
 */
import { readFormat } from '../../../project/git/repository-format.ts'

import { FileObjects, FileReader } from './file-objects.ts'
import { PlumbingObjects, PlumbingReader } from './plumbing-objects.ts'
import type { ObjectReader, ObjectStore, StoreOptions } from './object-store.ts'

export function openReader(commonDir: string, cache: object): ObjectReader {
  const isSha256 = readFormat(commonDir).hash === 'sha256'
  return isSha256 ? new PlumbingReader(commonDir, cache) : new FileReader(commonDir, cache)
}

export function openObjects(options: StoreOptions): ObjectStore {
  const isPlumbing = options.format.hash === 'sha256' || options.signer !== null
  return isPlumbing ? new PlumbingObjects(options) : new FileObjects(options)
}
