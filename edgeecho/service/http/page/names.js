// Names of files, known to this tab alone. The service never hears them.
const key = (id) => `name-${id}`;

export const remember = (id, name) => sessionStorage.setItem(key(id), name);
export const nameOf = (id) => sessionStorage.getItem(key(id)) ?? `Study ${id.slice(0, 8)}`;
