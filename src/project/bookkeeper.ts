/** The identity of what is done by the program and not by a person. */
export type Author = { readonly name: string; readonly email: string }

/** A fixed identity: bookkeeping is not a person's work, and a person's name is not ours to publish. */
export const BOOKKEEPER: Author = { name: 'Kittiwake', email: 'kittiwake@users.noreply.invalid' }
