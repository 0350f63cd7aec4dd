// Finds the NATS server that the tests run hubs on; `npm test` may install it.
import { findProgram, installPackage, isProgram } from './debian.mjs'

/** Its path; null where there is none. `NATS_SERVER` names another one. */
export function findNatsServer() {
  const named = process.env.NATS_SERVER
  if (named === undefined) return findProgram('nats-server')
  return isProgram(named) ? named : null
}

/** Where there is none, takes Debian's, if this user may; says why not. */
export function provideNatsServer() {
  if (findNatsServer() !== null) return
  installPackage({
    name: 'nats-server',
    purpose: 'the tests of hubs that share a log',
    without: 'hubs that share a log are not tested here. NATS_SERVER may name one.',
  })
}
