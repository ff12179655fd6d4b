/** What help and complaints say that an address looks like. Help knows no more of the library. */
export const addressForm: string = 'tcp://HOST:PORT/SERVICE or ring://NAME/SERVICE';
