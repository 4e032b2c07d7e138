/* The classes that oned's parser of CONTEXT variables needs, for one VM without images, networks and users.
 * The parsers, Template and Attribute are OpenNebula's own files; this header replaces VirtualMachine.h, Nebula.h and the pools. */
#pragma once
#include <memory>
#include <string>
#include <vector>
#include "Template.h"

/* VirtualMachine.h: the attributes that oned knows are in the template, all others in the user template. */
class VirtualMachine
{
public:
    Template known{false, '=', "TEMPLATE"};
    Template other{false, '=', "USER_TEMPLATE"};
    std::string name{"one-0"};

    void get_template_attribute(const std::string& n, std::string& v) const { known.get(n, v); }
    int get_template_attribute(const std::string& n, std::vector<const VectorAttribute*>& v) const { return known.get(n, v); }
    void get_user_template_attribute(const std::string& n, std::string& v) const { other.get(n, v); }

    int get_uid() const { return 0; }
    int get_gid() const { return 0; }
    std::string get_uname() const { return "oneadmin"; }
    std::string get_gname() const { return "oneadmin"; }
    std::string get_name() const { return name; }
    std::string& to_xml64(std::string& s) const { return s; }
};

/* A user, an image or a network: none exists, apart from a user without attributes. */
struct Thing
{
    std::string to_xml64(std::string&) const { return ""; }
    void get_template_attribute(const std::string&, std::string& v) const { v.clear(); }
    void get_template_attribute(const std::string&, std::string& v, int) const { v.clear(); }
};

struct Pool
{
    std::unique_ptr<Thing> get_ro(int) const { return nullptr; }
};
using VirtualNetworkPool = Pool;
using ImagePool = Pool;
using UserPool = Pool;

struct Nebula
{
    static Nebula& instance() { static Nebula n; return n; }
    Pool * get_ipool() { static Pool p; return &p; }
    Pool * get_vnpool() { static Pool p; return &p; }
    Pool * get_upool() { static Pool p; return &p; }
};
