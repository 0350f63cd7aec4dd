/**
 * Folders that are made where they are missing. Node's own `recursive` is not used: where the system says that a folder is
 * absent and lets none be made either, as below `/proc`, it tries for ever and no signal ends it.
 */
import { mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { systemCode } from '../../errors.ts'

/** Answers the outermost folder that was missing, or null. @throws the system's own errors */
export function makeFolders(path: string, mode = 0o777): string | null {
  const missing: string[] = []
  for (let at = resolve(path); !isFolder(at) && at !== dirname(at); at = dirname(at))
    missing.push(at)
  for (const folder of missing.toReversed()) make(folder, mode)
  return missing.at(-1) ?? null
}

function make(folder: string, mode: number): void {
  try {
    mkdirSync(folder, mode)
  } catch (error) {
    // Another process may have been faster.
    if (systemCode(error) !== 'EEXIST' || !isFolder(folder)) throw error
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
